package ingest

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"s3cret", "a/b@c", "p?q", "x#y", "a=b&c", "%zz", "@@", "://"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if len(secret) < 3 || strings.ContainsAny(secret, " \n\x00") {
			return
		}
		const host = "192.0.2.7:554/main"
		if strings.Contains(host+"rtsp://?token=***", secret) {
			return
		}
		require.NotContains(t, Redact("rtsp://user:"+secret+"@"+host), secret)
		require.NotContains(t, Redact("http://"+host+"?token="+url.QueryEscape(secret)), secret)
	})
}

func FuzzParseSpec(f *testing.F) {
	for _, s := range []string{"a=b", "0", "x=rtsp://u:p@h/", "=", "test://people", "file:///x", "http://h/?a=b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		s, err := ParseSpec(arg, 1)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.NotEmpty(t, s.URI)
		_, err = s.Kind()
		require.NoError(t, err)
	})
}

func FuzzDeclaredSize(f *testing.F) {
	f.Add([]byte("RIFF\x10\x00\x00\x00AVI LIST\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00\x00\x00\x00\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x1A\x45\xDF\xA3\x84\x00\x00\x00\x00\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "f")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		declared, size := declaredSize(path)
		require.EqualValues(t, len(b), size)
		require.GreaterOrEqual(t, declared, int64(0))
	})
}

func FuzzPictureFile(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x00acTL\x00\x00\x00\x00"))
	f.Add([]byte("RIFF\x2a\x00\x00\x00WEBPEXIF\x1a\x00\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\xfe\x00\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(dir, "f")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		what, err := severalPictures(path)
		require.NoError(t, err)
		require.NotContains(t, what, "\n")
		require.GreaterOrEqual(t, webpOrientation(path), 0)
	})
}
