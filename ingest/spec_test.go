package ingest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]ingest.Spec{
		"porch=a.mp4":               {ID: "porch", URI: "a.mp4"},
		"a.mp4":                     {ID: "cam3", URI: "a.mp4"},
		"0":                         {ID: "cam3", URI: "0"},
		"door-1=/dev/video0":        {ID: "door-1", URI: "/dev/video0"},
		"http://h/v?a=b":            {ID: "cam3", URI: "http://h/v?a=b"},
		"x=http://h/v?a=b":          {ID: "x", URI: "http://h/v?a=b"},
		"./a=b.mp4":                 {ID: "cam3", URI: "./a=b.mp4"},
		"y=file:///clips/a.mp4":     {ID: "y", URI: "/clips/a.mp4"},
		"z=rtsp://u:p=w@h:554/main": {ID: "z", URI: "rtsp://u:p=w@h:554/main"},
		"in=-":                      {ID: "in", URI: "-"},
		"/dev/stdin":                {ID: "cam3", URI: "-"},
	} {
		got, err := ingest.ParseSpec(arg, 3)
		require.NoError(t, err, arg)
		require.Equal(t, want, got)
	}
	for _, arg := range []string{"Porch=a.mp4", "=a.mp4", "a b=c.mp4", "x=", "", "ftp://h/v", "über=a.mp4"} {
		_, err := ingest.ParseSpec(arg, 0)
		require.Truef(t, usage.Is(err), "%q: %v", arg, err)
	}
	_, err := ingest.ParseSpec("Porch=rtsp://u:topsecret@h/", 0)
	require.NotContains(t, err.Error(), "topsecret")
}

func TestRedactLeavesNoCredentials(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"/clips/a@b.mp4":                     "/clips/a@b.mp4",
		"0":                                  "0",
		"rtsp://h:554/main":                  "rtsp://h:554/main",
		"rtsp://u:s3cret@h/main":             "rtsp://h/main",
		"rtsp://u:s3/c@ret@h/main":           "rtsp://h/main",
		"rtsp://u:s3?cret@h/main":            "rtsp://h/main",
		"rtsp://u:s3#c%ret@h/main?channel=1": "rtsp://h/main?channel=1",
		"http://h/v?user=me&PassWord=s3cret&size=hd": "http://h/v?user=***&PassWord=***&size=hd",
		"rtsp://u:s3c?=ret@h/main":                   "rtsp://h/main",
		"rtsp://s3cret@h/main":                       "rtsp://h/main",
		"http://h/v?mail=a@b":                        "http://h/v?mail=a@b",
		"http://h/v?access_token=s3cret":             "http://h/v?access_token=***",
	} {
		require.Equal(t, want, ingest.Redact(uri))
	}
}

func TestHasPassword(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]bool{
		"a.mp4":                      false,
		"-":                          false,
		"a:b@c.mp4":                  false,
		"rtsp://h:554/main":          false,
		"rtsp://admin@h/main":        false,
		"rtsp://u:s3cret@h/main":     true,
		"cam=rtsp://u:s3/cret@h/":    true,
		"http://h/v?user=me":         false,
		"http://h/v?user=me&Pwd=abc": true,
		"http://h/v?access_token=x":  true,
	} {
		require.Equal(t, want, ingest.HasPassword(uri), uri)
	}
}
