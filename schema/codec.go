package schema

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Config of a Codec.
type Config struct {
	URL      string      // of the registry, with user:password@ if it wants them; "": none
	Encoding string      // of what is written; default JSON
	TLS      *tls.Config // for https; default the system's
}

// Codec encodes events in one encoding and decodes those in every one. It may be used
// concurrently. A nil *Codec has no registry: it knows JSON alone.
type Codec struct {
	encoding string
	url      string // without a password
	client   *sr.Client

	mu    sync.Mutex            // guards the following; held while the registry is asked
	ids   map[string]int        // of the schemas that are written, by the event's schema header
	known map[int]*writerSchema // schemas of the registry
}

// New returns a codec. It connects to nothing yet.
func New(c Config) (*Codec, error) {
	switch c.Encoding {
	case "":
		c.Encoding = JSON
	case JSON, Avro, Protobuf:
	default:
		return nil, usage.New("use json, avro or protobuf", "encoding %q is not known", c.Encoding)
	}
	codec := &Codec{encoding: c.Encoding, ids: make(map[string]int), known: make(map[int]*writerSchema)}
	if c.URL == "" {
		if c.Encoding != JSON {
			return nil, usage.New("add --schema-registry URL", "--encoding %s needs a schema registry", c.Encoding)
		}
		return codec, nil
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usage.New("write http://HOST:PORT", "--schema-registry: it is no address of a registry")
	}
	// Questions are few: a connection is not kept between them.
	transport := boundedAnswers{&http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: c.TLS}}
	opts := []sr.ClientOpt{sr.UserAgent("sightlog"), sr.HTTPClient(&http.Client{Timeout: answerTime, Transport: transport})}
	if u.User != nil {
		password, _ := u.User.Password()
		opts = append(opts, sr.BasicAuth(u.User.Username(), password))
		u.User = nil
	}
	codec.url = u.String()
	codec.client, err = sr.NewClient(append(opts, sr.URLs(codec.url))...)
	return codec, err
}

// ContentType returns the content-type header of what is written.
func (c *Codec) ContentType() string {
	if c == nil {
		return event.ContentTypeJSON
	}
	return map[string]string{JSON: event.ContentTypeJSON, Avro: "application/avro", Protobuf: "application/protobuf"}[c.encoding]
}

// Prepare registers the schemas of what is written, where the registry lacks them. After it,
// Encode asks nobody. What the registry refuses is a *usage.Error.
func (c *Codec) Prepare(ctx context.Context) error {
	if c == nil || c.encoding == JSON {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if _, err := c.id(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// id returns the id of the schema that events of a kind are written with. mu is held.
func (c *Codec) id(ctx context.Context, name string) (int, error) {
	if id, ok := c.ids[name]; ok {
		return id, nil
	}
	k := kinds[name]
	s := k.schemaOf(c.encoding)
	found, err := c.client.LookupSchema(ctx, k.subject, s)
	id := found.ID
	if lacks(err) {
		id, err = c.client.RegisterSchema(ctx, k.subject, s, -1, -1)
	}
	if err == nil && id <= 0 {
		err = errNoRegistry
	}
	switch answered := (*sr.ResponseError)(nil); {
	case err == nil:
		c.ids[name] = id
		return id, nil
	case errors.As(err, &answered) && (answered.StatusCode == 409 || answered.StatusCode == 422):
		return 0, usage.Wrap(err, "see docs/schemas.md", "the schema registry %s refuses the schema of %s: %v", c.url, k.subject, err)
	default:
		return 0, c.unavailable(err)
	}
}

func (c *Codec) unavailable(err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, c.url, oneLine(err))
}
