// Package speed measures a detector alone: what a frame costs beside decoding
// and inference, and what a long run does to the memory.
package speed
