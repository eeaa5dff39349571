package ingest

// refusal is an answer of a server that will be the same next time: it is
// reported at once, and the source is tried again rarely.
type refusal struct {
	message string
	fix     string
	login   bool // it counts as a failed login, of which a camera allows few
}

func (r *refusal) Error() string { return r.message }

// Answers by their status in HTTP (RFC 9110) and RTSP (RFC 2326), as the
// binding to FFmpeg returns them.
const (
	answerPage    = 1   // an HTML page
	answerNone    = 408 // nothing within the time it was given
	answerNoVideo = 415 // something that is no video
	answerOther   = 499 // any other of 4xx: FFmpeg does not report which
)

var refusals = map[int]*refusal{
	400:           {message: "the server does not accept the request (400)", fix: "check the address"},
	401:           {message: "the server wants another user or password (401)", fix: "check both; after too many wrong ones a camera locks the account, so it is asked rarely", login: true},
	403:           {message: "the server forbids it (403)", fix: "check what the user may do at the camera", login: true},
	404:           {message: "the server has nothing at this path (404)", fix: "check the path: it differs from camera to camera"},
	461:           {message: "the server accepts neither RTP over TCP nor over UDP (461)", fix: "try ?transport=udp_multicast"},
	answerNoVideo: {message: "the server sends no video", fix: "give the address of a stream that ffmpeg can play"},
	answerOther:   {message: "the server refuses it (4xx)", fix: "check the address, and whether the camera allows one viewer more"},
	answerPage:    {message: "the server sends a web page, not video", fix: "give the address of its stream, not of its page"},
}
