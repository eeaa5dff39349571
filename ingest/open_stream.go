package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// openStream opens a network stream.
func openStream(ctx context.Context, spec Spec, opts Options) (Source, error) {
	at := "--source " + spec.ID + "=" + Redact(spec.URI)
	uri, transport, err := cutTransport(spec.URI)
	if err != nil {
		return nil, usage.Wrap(err, "use transport=tcp, udp or udp_multicast", "%s: %v", at, err)
	}
	l, err := openLive(ctx, Info{Kind: event.SourceStream, Source: Redact(spec.URI)}, func() capture {
		return streamLibav(uri, transport)
	}, opts)
	if err != nil {
		if err := unknownHost(ctx, uri, err); err != nil {
			return nil, usage.Wrap(err, "check the address, and the network", "%s: %v", at, err)
		}
		return nil, openError(ctx, at, opts, "check the address, the path and the password, and that the camera is on", err)
	}
	return l, nil
}

// cutTransport takes RTSP's transport out of the address. "" is TCP, or UDP
// where the camera refuses that.
func cutTransport(uri string) (rest, transport string, err error) {
	base, query, has := strings.Cut(uri, "?")
	if !has || !strings.HasPrefix(strings.ToLower(uri), "rtsp") {
		return uri, "", nil
	}
	var others []string
	for p := range strings.SplitSeq(query, "&") {
		value, ours := strings.CutPrefix(p, "transport=")
		if !ours {
			others = append(others, p)
			continue
		}
		switch value {
		case "tcp", "udp", "udp_multicast":
			transport = value
		default:
			return "", "", fmt.Errorf("unknown transport %q", value)
		}
	}
	if len(others) > 0 {
		base += "?" + strings.Join(others, "&")
	}
	return base, transport, nil
}

// unknownHost returns an error if the stream did not open because its host has
// no address; FFmpeg does not report that.
func unknownHost(ctx context.Context, uri string, err error) error {
	var refused *refusal
	u, parseErr := url.Parse(Redact(uri))
	if parseErr != nil || errors.As(err, &refused) || ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var dns *net.DNSError
	if _, err := net.DefaultResolver.LookupHost(ctx, u.Hostname()); errors.As(err, &dns) && !dns.IsTimeout {
		return fmt.Errorf("the name %s has no address", u.Hostname())
	}
	return nil
}

// openError returns the error for a live source that did not open, by its cause.
func openError(ctx context.Context, at string, opts Options, fix string, err error) error {
	var refused *refusal
	var late *unopened
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &refused):
		return usage.Wrap(err, refused.fix, "%s: %s", at, refused.message)
	case errors.As(err, &late) && late.cause != nil:
		return usage.Wrap(err, fix, "%s: does not open within %s: %v", at, opts.OpenTimeout, late.cause)
	}
	return usage.Wrap(err, fix, "%s: does not open within %s", at, opts.OpenTimeout)
}
