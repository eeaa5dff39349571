// Package cli is the command line: the commands that need neither camera nor model
// (broker, sink, serve, query, …), and Main, which parses the arguments, runs the command
// and turns an error into one line and an exit code. Package cli/full adds the commands
// that need them, so that bin/sightlogd links no OpenCV.
//
// Exit codes: 0 success; 1 failure at run time; 2 invalid request or configuration;
// 3 finished, with damage reported; 141 (128 + SIGPIPE) the reader of the output has
// gone. Any signal that asks a command to end stops it in the order of the data.
package cli
