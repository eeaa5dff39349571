package deliver

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
)

// newTLS returns the TLS configuration of a receiver.
func newTLS(r rule.Receiver) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.CAFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(r.CAFile)
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate", r.CAFile)
	}
	return cfg, nil
}

// newClient returns a client that follows no redirect: it would send the alarm elsewhere.
func newClient(r rule.Receiver) (*http.Client, error) {
	cfg, err := newTLS(r)
	if err != nil {
		return nil, err
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = cfg
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// post sends a request and returns an error that does not name the address, which may be
// as good as a password.
func post(c *http.Client, req *http.Request) error {
	resp, err := c.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection is used again
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return fmt.Errorf("%w with status %d", errRefused, resp.StatusCode)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// webhook sends messages signed as Standard Webhooks has it
// (https://www.standardwebhooks.com): HMAC-SHA256 over id.timestamp.body.
type webhook struct {
	client *http.Client
	url    string
	key    []byte
}

func newWebhook(r rule.Receiver, secret string) (sender, error) {
	if secret == "" {
		return nil, errors.New("the secret is empty")
	}
	key := []byte(secret)
	if text, is := strings.CutPrefix(secret, "whsec_"); is {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("the secret begins with whsec_ and goes on with something that is not base64")
		}
	}
	c, err := newClient(r)
	return &webhook{client: c, url: r.Where, key: key}, err
}

func (w *webhook) send(ctx context.Context, m *outgoing) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(m.payload))
	if err != nil {
		return err
	}
	at := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, w.key)
	fmt.Fprintf(mac, "%s.%s.%s", m.id, at, m.payload)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", m.id)
	req.Header.Set("Webhook-Timestamp", at)
	req.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return post(w.client, req)
}

func (w *webhook) close() { w.client.CloseIdleConnections() }

// ntfy publishes to a topic of an ntfy server (https://docs.ntfy.sh/publish).
type ntfy struct {
	client     *http.Client
	url, token string
}

func newNTFY(r rule.Receiver, secret string) (sender, error) {
	c, err := newClient(r)
	return &ntfy{client: c, url: r.Where, token: secret}, err
}

func (n *ntfy) send(ctx context.Context, m *outgoing) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, strings.NewReader(m.text()))
	if err != nil {
		return err
	}
	req.Header.Set("Title", m.title())
	req.Header.Set("X-Sequence-ID", m.ID) // a repetition, and the end, take the place of what is shown
	if m.Event == alarm.Began {
		req.Header.Set("Priority", "high")
		req.Header.Set("Tags", "rotating_light")
	}
	if n.token != "" {
		req.Header.Set("Authorization", "Bearer "+n.token)
	}
	return post(n.client, req)
}

func (n *ntfy) close() { n.client.CloseIdleConnections() }
