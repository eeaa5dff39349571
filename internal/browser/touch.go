package browser

import (
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// Touch puts a finger down at the first point, moves it over the others and takes it away. Points
// are in pixels of the viewport.
func (p *Page) Touch(points ...[2]float64) {
	p.Helper()
	send := func(kind input.DispatchTouchEventType, at []*input.TouchPoint) {
		p.Helper()
		_, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: at})
		require.NoError(p, err)
	}
	kind := input.DispatchTouchEventTypeTouchStart
	for _, at := range points {
		send(kind, []*input.TouchPoint{{X: at[0], Y: at[1]}})
		kind = input.DispatchTouchEventTypeTouchMove
	}
	send(input.DispatchTouchEventTypeTouchEnd, []*input.TouchPoint{})
}
