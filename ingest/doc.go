// Package ingest turns a source (a file, a pipe, a webcam, a stream,
// a directory of images, a test pattern) into frames.
//
// It owns the video library: the goroutine that opened a capture is the only
// one that touches it, and Next never waits for it without watching ctx, so a
// hung camera cannot hang its caller.
//
// It promises:
//
//	file, pipe, images, test   every frame once, in order, seq 0, 1, 2, …; nothing dropped
//	webcam, stream             the newest frame; each other one is counted, as dropped where the
//	                           caller is too slow, as skipped where Options.MaxFPS passes it over
//
// A live source that is lost is opened again, for as long as it takes, with
// pauses that grow until its frames last (Backoff). It counts as lost when it is
// silent for three of its own intervals, but no sooner than ReadTimeout, which doubles
// each time that it was opened again in vain, and no later than a minute. One that comes
// in segments or is a recording may be silent for fifteen times ReadTimeout or, where
// that is longer, four of the segments that its playlist declares (of two minutes at
// most). A server that refuses (401, 403, 404, 461, a web page) is reported at once; it
// is asked again rarely, and after a refused login so rarely that no account is
// locked.
//
// A stream in segments (HLS, DASH) and a recording from a server are shown at
// the pace of their timestamps. No frame of them is delivered twice: opened
// again, they resume behind the last frame read. A recording and a playlist that is
// complete (EXT-X-ENDLIST) end with io.EOF; one that can be read no further ends
// with a *Damage.
//
// A live frame's GrabbedAt is the arrival of its first byte, as the library
// read it from the socket. The frame itself comes later, for H.264 over RTSP by
// one interval: the library knows the end of a picture from the beginning of
// the next. Of a segment or a recording it is the moment of showing.
//
// Pictures are delivered upright: all eight orientations are applied, of a
// video's display matrix, of the display orientation message in H.264 and
// H.265, and of EXIF in JPEG, PNG, WebP and TIFF. No side is longer than
// MaxSide. The pictures of a directory come in the natural order of their names
// (2.jpg before 10.jpg), 10 a second. A file of several pictures (animated PNG
// or WebP, TIFF pages) is a *usage.Error, alone and in a directory; an animated
// PNG called .apng is read as a video.
//
// A file's positions begin near 0 and always advance. A timestamp that jumps,
// forward by more than a minute (or ten of the declared frame intervals, where
// that is longer) or backward by more than a second, is bridged: its frame
// follows after one frame interval and those behind it keep their distance to
// it. Jumps are counted in Stats and logged once. Shorter gaps are preserved, and
// waited for at the recorded pace.
//
// A file that is damaged gives all its good frames first and then a *Damage
// instead of io.EOF. Damage is a file with fewer bytes than its container
// declares (AVI, MP4, Matroska), a packet or a frame that the demuxer or the
// decoder finds broken, a frame over MaxSide, a picture that cannot be read, or
// a file without a single frame. How many frames a file declares is no evidence:
// edit lists, null frames and variable rates make it wrong. Nor is a second
// recording that was appended to an MPEG transport stream. A transport stream
// that is cut between two frames looks complete.
//
// What can be read again has a fingerprint, by which an interrupted run finds its
// source again: it does not change when a file is touched, moved or copied, and
// Continues recognises a file or a directory that has grown.
//
// A name may be any bytes. In Info, errors and logs one that is not UTF-8 is its
// file URI (RFC 8089).
//
// Credentials in a URI reach the video library and nothing else: Info, errors
// and logs carry the redacted form.
//
// It leaves to others the content of a frame, and when it was captured: a file's
// caller adds PTS to the start of its run, a live source's takes GrabbedAt.
package ingest
