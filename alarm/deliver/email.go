package deliver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/wneessen/go-mail"

	"github.com/sightlog/sightlog/alarm/rule"
)

// email sends messages by SMTP: smtp:// with STARTTLS, without which it does not go on,
// smtps:// with TLS from the start, smtp-plain:// with neither.
type email struct {
	client *mail.Client
	from   string
	to     []string
}

func newEmail(r rule.Receiver, secret string) (sender, error) {
	u, err := url.Parse(r.Where)
	if err != nil {
		return nil, err
	}
	cfg, err := newTLS(r)
	if err != nil {
		return nil, err
	}
	cfg.ServerName = u.Hostname()
	port := map[string]int{"smtp": 587, "smtps": 465, "smtp-plain": 25}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, err
		}
	}
	opts := []mail.Option{mail.WithPort(port), mail.WithTLSConfig(cfg), mail.WithTimeout(tryTimeout)}
	switch u.Scheme {
	case "smtp":
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	case "smtps":
		opts = append(opts, mail.WithSSL())
	default:
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	}
	if r.User != "" {
		way := mail.SMTPAuthAutoDiscover
		if u.Scheme == "smtp-plain" {
			way = mail.SMTPAuthPlainNoEnc // a password in the clear is what was asked for
		}
		opts = append(opts, mail.WithSMTPAuth(way), mail.WithUsername(r.User), mail.WithPassword(secret))
	}
	c, err := mail.NewClient(u.Hostname(), opts...)
	return &email{client: c, from: r.From, to: r.To}, err
}

func (e *email) send(ctx context.Context, m *outgoing) error {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(e.from), msg.To(e.to...)); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	msg.Subject(m.title() + ": " + m.Message.Message)
	msg.SetMessageIDWithValue(m.id + "@sightlog")
	msg.SetDateWithValue(m.created)
	msg.SetBodyString(mail.TypeTextPlain, m.text())
	if err := attachReport(msg, m); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	err := e.client.DialAndSendWithContext(ctx, msg)
	var refused *mail.SendError
	if errors.As(err, &refused) && !refused.IsTemp() && refused.ErrorCode() >= 550 {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	return err
}

// attachReport adds what a report has beside its text.
func attachReport(msg *mail.Msg, m *outgoing) error {
	if m.report == nil {
		return nil
	}
	page, err := m.report.HTML()
	if err != nil {
		return err
	}
	msg.SetBodyString(mail.TypeTextPlain, m.report.Text())
	msg.AddAlternativeString(mail.TypeTextHTML, page)
	return msg.AttachReader(m.report.Name+"-"+m.report.First()+".csv", strings.NewReader(m.report.CSV()), mail.WithFileContentType("text/csv; charset=utf-8"))
}

func (e *email) close() {}
