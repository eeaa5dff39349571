package wire

import (
	"errors"
	"strings"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Code returns the protocol's error code for err, 0 for nil. Errors of the store that
// have no code are KAFKA_STORAGE_ERROR.
func Code(err error) int16 {
	if err == nil {
		return 0
	}
	if ke := (*kerr.Error)(nil); errors.As(err, &ke) {
		return ke.Code
	}
	switch {
	case errors.Is(err, storage.ErrOutOfOrder):
		return kerr.OutOfOrderSequenceNumber.Code
	case errors.Is(err, storage.ErrStaleEpoch):
		return kerr.InvalidProducerEpoch.Code
	case errors.Is(err, storage.ErrOutOfRange):
		return kerr.OffsetOutOfRange.Code
	case errors.Is(err, storage.ErrDropped):
		return kerr.UnknownTopicOrPartition.Code
	case errors.Is(err, storage.ErrBatchCRC), errors.Is(err, storage.ErrBatchShort):
		return kerr.CorruptMessage.Code
	case errors.Is(err, storage.ErrBatchMagic):
		return kerr.UnsupportedForMessageFormat.Code
	case errors.Is(err, storage.ErrBatchCount):
		return kerr.InvalidRecord.Code
	}
	return kerr.KafkaStorageError.Code // full or failed disk, closing store
}

// Message returns the error's text for responses that carry one.
func Message(err error) *string {
	if err == nil {
		return nil
	}
	s := err.Error()
	if ke := (*kerr.Error)(nil); errors.As(err, &ke) {
		// The code is in the response already: only the details are left.
		s = strings.TrimPrefix(s, ke.Error()+": ")
		if err == error(ke) { //nolint:errorlint // whether it is the code alone, without details
			s = ke.Description
		}
	}
	return &s
}
