package event

// DecodeGeneral is DecodeSighting without the scanner.
var DecodeGeneral = decodeGeneral
