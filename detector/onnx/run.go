package onnx

import (
	"errors"
	"slices"

	"github.com/sightlog/sightlog/detector"
)

// Close frees the session's tensors, and the graph if no other shares it.
func (s *Session) Close() error {
	for _, b := range s.bound {
		b.destroy()
	}
	s.bound = nil
	if s.graph == nil {
		return nil
	}
	var err error
	if s.users.Add(-1) == 0 {
		err = s.graph.Destroy()
	}
	s.graph = nil
	return err
}

// maxBound is how many inputs stay bound: frames of different sizes come in
// tensors of their own and may take turns.
const maxBound = 8

// Run feeds the graph. The first run with a tensor binds it: it must stay what
// it is, and only its contents may change.
func (s *Session) Run(in *detector.Tensor) ([]detector.Tensor, error) {
	if s.graph == nil {
		return nil, errors.New("the session is closed")
	}
	at := slices.IndexFunc(s.bound, func(b *binding) bool {
		return b.data == &in.F32[0] && slices.Equal(b.shape, in.Shape)
	})
	switch {
	case at < 0:
		b, err := bind(s, in)
		if err != nil {
			return nil, err
		}
		if len(s.bound) == maxBound {
			s.bound[maxBound-1].destroy()
			s.bound = s.bound[:maxBound-1]
		}
		s.bound = slices.Insert(s.bound, 0, b)
	case at > 0:
		b := s.bound[at]
		copy(s.bound[1:], s.bound[:at])
		s.bound[0] = b
	}
	return s.bound[0].run()
}
