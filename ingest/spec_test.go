package ingest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

func TestParseSpec_Forms_IDAndURI(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]ingest.Spec{
		"porch=a.mp4":               {ID: "porch", URI: "a.mp4"},
		"a.mp4":                     {ID: "cam3", URI: "a.mp4"},
		"0":                         {ID: "cam3", URI: "0"},
		"door-1=/dev/video0":        {ID: "door-1", URI: "/dev/video0"},
		"http://h/v?a=b":            {ID: "cam3", URI: "http://h/v?a=b"},
		"x=http://h/v?a=b":          {ID: "x", URI: "http://h/v?a=b"},
		"./a=b.mp4":                 {ID: "cam3", URI: "./a=b.mp4"},
		"./a://b.mp4":               {ID: "cam3", URI: "./a://b.mp4"},
		"n=a\nb.mp4":                {ID: "n", URI: "a\nb.mp4"},
		"l=caf\xe9.mp4":             {ID: "l", URI: "caf\xe9.mp4"},
		"r=RTMP://h/app/k":          {ID: "r", URI: "RTMP://h/app/k"},
		"s=srt://h:9000?mode=x":     {ID: "s", URI: "srt://h:9000?mode=x"},
		"u=udp://@239.0.0.1:1234":   {ID: "u", URI: "udp://@239.0.0.1:1234"},
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

func TestParseSpec_FileURI_IsThePathThatRFC8089Says(t *testing.T) {
	t.Setenv("HOME", "/home/of us")
	for uri, want := range map[string]string{
		"file:///clips/a.mp4":          "/clips/a.mp4",
		"file:/clips/a.mp4":            "/clips/a.mp4",
		"FILE://LocalHost/clips/a.mp4": "/clips/a.mp4",
		"file:///a%20b/50%25%3f.mp4":   "/a b/50%?.mp4",
		"file:///caf%E9/%c3%bc.mp4":    "/caf\xe9/\u00fc.mp4",
		"file:///a?b#c.mp4":            "/a?b#c.mp4",
		"file:///a+b://c.mp4":          "/a+b://c.mp4",
		"file:a.mp4":                   "file:a.mp4", // a name
		"~/a.mp4":                      "/home/of us/a.mp4",
		"./~/a.mp4":                    "./~/a.mp4",
		"~/a://b.mp4":                  "/home/of us/a://b.mp4",
	} {
		got, err := ingest.ParseSpec("c="+uri, 0)
		require.NoError(t, err, uri)
		require.Equal(t, ingest.Spec{ID: "c", URI: want}, got)
		got, err = ingest.ParseSpec(uri, 1)
		require.NoError(t, err, uri)
		require.Equal(t, ingest.Spec{ID: "cam1", URI: want}, got)
	}
	for uri, says := range map[string]string{
		"file://":                   "a file URI without a path",
		"file://a.mp4":              "write file:///absolute/path, or the path alone",
		"file://nas/clips/a.mp4":    "a file of another machine, file://nas",
		"file://u:s3cret@nas/a.mp4": "a file of another machine, file://nas",
		"file:///50%.mp4":           "write %25 for a % itself",
		"file:///a%00b":             "%00",
	} {
		_, err := ingest.ParseSpec("c="+uri, 0)
		require.Truef(t, usage.Is(err), "%s: %v", uri, err)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "s3cret")
		require.Contains(t, err.Error(), "--source c=file://")
	}
}

func TestPathName_AnyBytes_AreReadBack(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a b/\u00fc%.mp4", ingest.PathName("a b/\u00fc%.mp4"))
	name := ingest.PathName("/caf\xe9 ?#%/\u00fc.mp4")
	require.Equal(t, "file:///caf%E9%20%3F%23%25/%C3%BC.mp4", name)
	got, err := ingest.ParseSpec(name, 0)
	require.NoError(t, err)
	require.Equal(t, "/caf\xe9 ?#%/\u00fc.mp4", got.URI)
	require.Regexp(t, "^file:///.*/ingest/%FF$", ingest.PathName("\xff"))
}

func TestRedact_AnyURI_NoCredentials(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"/clips/a@b.mp4":                     "/clips/a@b.mp4",
		"0":                                  "0",
		"rtsp://h:554/main":                  "rtsp://h:554/main",
		"rtsp://u:s3cret@h/main":             "rtsp://h/main",
		"rtsp://u:s3/c@ret@h/main":           "rtsp://h/main",
		"rtsp://u:s3?cret@h/main":            "rtsp://h/main",
		"rtsp://u:s3#c%ret@h/main?channel=1": "rtsp://h/main?channel=1",
		"http://h/v?user=me&PassWord=s3cret&size=hd":                 "http://h/v?user=***&PassWord=***&size=hd",
		"rtsp://u:s3c?=ret@h/main":                                   "rtsp://h/main",
		"rtsp://s3cret@h/main":                                       "rtsp://h/main",
		"http://h/v?mail=a@b":                                        "http://h/v?mail=a@b",
		"http://h/v?access_token=s3cret":                             "http://h/v?access_token=***",
		"rtmp://h/live/s3cret":                                       "rtmp://h/live/***",
		"RTMPS://u:s3cret@h:443/app/inst/s3cret?x=1":                 "RTMPS://h:443/app/***?x=1",
		"rtmp://h//live//s3/cret":                                    "rtmp://h//live/***",
		"rtmp://h/live":                                              "rtmp://h/live",
		"rtmp://h/live/s3cret?token=s3cret":                          "rtmp://h/live/***?token=***",
		"srt://h:9000?mode=caller&streamid=s3cret&passphrase=s3cret": "srt://h:9000?mode=caller&streamid=***&passphrase=***",
		"srt://h:9000?streamid=#!::u=me,r=s3cret":                    "srt://h:9000?streamid=***",
		"./a://u:p@b.mp4":                                            "./a://u:p@b.mp4",
	} {
		require.Equal(t, want, ingest.Redact(uri))
	}
}

func TestHasPassword_URIs_Reported(t *testing.T) {
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

		"rtmp://h/live":                         false,
		"rtmp://h/live/":                        false,
		"rtmp://h/live?x=a/b":                   false,
		"rtmp://h:1935/live/k":                  true,
		"cam=RTMPS://h/app/inst/k":              true,
		"rtsp://h/live/k":                       false,
		"http://h/?next=rtmp://h/live/k":        false,
		"srt://h:9000?mode=caller":              false,
		"srt://h:9000?streamid=":                false,
		"srt://h:9000?mode=caller&streamid=k":   true,
		"d=srt://h:9000?StreamID=#!::u=me,r=ab": true,
	} {
		require.Equal(t, want, ingest.HasPassword(uri), uri)
	}
}
