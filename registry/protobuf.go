package registry

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// protobufDifferences returns the changes from one file to another by which a reader of the later
// one may misread what a writer of the earlier one has written, as Confluent's registry sees it:
//
//   - another package; a message that is gone; another type of a field, except within the groups of
//     types that are encoded alike (wireGroup); a required field that is new or gone;
//   - a field of a oneof that is gone, more than one field moved into a oneof, or one into a oneof
//     that had others;
//   - beyond Confluent's: a number that is single in one and a list in the other.
//
// Fields and enums may come and go, and names of fields change.
func protobufDifferences(earlier, later protoreflect.FileDescriptor) []string {
	d := &differ{earlier: earlier, later: later, compared: make(map[[2]protoreflect.FullName]bool)}
	if earlier.Package() != later.Package() {
		d.add("the package was %q and is %q", earlier.Package(), later.Package())
	}
	d.messages(earlier.Messages(), later.Messages())
	return d.found
}

type differ struct {
	earlier, later protoreflect.FileDescriptor
	compared       map[[2]protoreflect.FullName]bool
	found          []string
}

func (d *differ) add(format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf(format, args...))
}

// messages compares the messages of two files, or those within two messages, by name.
func (d *differ) messages(earlier, later protoreflect.MessageDescriptors) {
	for i := range earlier.Len() {
		m := earlier.Get(i)
		if m.IsMapEntry() {
			continue
		}
		if l := later.ByName(m.Name()); l != nil {
			d.message(m, l)
		} else {
			d.add("message %s is gone", m.FullName())
		}
	}
}

func (d *differ) message(earlier, later protoreflect.MessageDescriptor) {
	pair := [2]protoreflect.FullName{earlier.FullName(), later.FullName()}
	if d.compared[pair] {
		return
	}
	d.compared[pair] = true
	d.fields(earlier, later)
	d.oneofs(earlier, later)
	d.messages(earlier.Messages(), later.Messages())
}

// fields compares the fields by number.
func (d *differ) fields(earlier, later protoreflect.MessageDescriptor) {
	for i := range earlier.Fields().Len() {
		e := earlier.Fields().Get(i)
		l := later.Fields().ByNumber(e.Number())
		switch {
		case l != nil:
			d.field(e, l)
		case e.Cardinality() == protoreflect.Required:
			d.add("required field %s is gone", e.FullName())
		case realOneof(e) != nil && later.Oneofs().ByName(realOneof(e).Name()) != nil:
			d.add("field %s of a oneof is gone", e.FullName())
		}
	}
	for i := range later.Fields().Len() {
		if l := later.Fields().Get(i); l.Cardinality() == protoreflect.Required && earlier.Fields().ByNumber(l.Number()) == nil {
			d.add("field %s is new and required", l.FullName())
		}
	}
}

func (d *differ) field(e, l protoreflect.FieldDescriptor) {
	switch {
	case e.IsMap() != l.IsMap(), wireGroup(e) != wireGroup(l):
		d.add("field %s was %s and is %s", e.FullName(), typeName(e), typeName(l))
	case e.IsMap():
		d.field(e.MapKey(), l.MapKey())
		d.field(e.MapValue(), l.MapValue())
	case e.Message() != nil:
		d.messageField(e, l)
	case e.IsList() != l.IsList() && wireGroup(e) != "text":
		d.add("field %s was %s and is %s", e.FullName(), typeName(e), typeName(l))
	}
}

// messageField compares the messages that a field has. Those of the files themselves are compared
// with all others of them; those of imported files, which may be of other versions, here.
func (d *differ) messageField(e, l protoreflect.FieldDescriptor) {
	if local(e.Message()) != local(l.Message()) {
		d.add("field %s was %s and is %s", e.FullName(), typeName(e), typeName(l))
		return
	}
	if e.Message().ParentFile() != d.earlier || l.Message().ParentFile() != d.later {
		d.message(e.Message(), l.Message())
	}
}

// oneofs finds fields that were moved into a oneof where two of them could be set before.
func (d *differ) oneofs(earlier, later protoreflect.MessageDescriptor) {
	for i := range later.Oneofs().Len() {
		o := later.Oneofs().Get(i)
		if o.IsSynthetic() {
			continue
		}
		moved, had := 0, 0
		for j := range o.Fields().Len() {
			switch e := earlier.Fields().ByNumber(o.Fields().Get(j).Number()); {
			case e == nil:
			case realOneof(e) == nil:
				moved++
			default:
				had++
			}
		}
		if moved > 1 || moved == 1 && had > 0 {
			d.add("fields were moved into oneof %s, which excludes others that could be set beside them", o.FullName())
		}
	}
}

// realOneof is the oneof of a field, nil if it has none. That of an optional field is no one's.
func realOneof(f protoreflect.FieldDescriptor) protoreflect.OneofDescriptor {
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		return o
	}
	return nil
}

// local is a message's name without its package.
func local(m protoreflect.MessageDescriptor) string {
	return strings.TrimPrefix(string(m.FullName()), string(m.ParentFile().Package())+".")
}

// wireGroup names the types that a field may change between: they are encoded alike.
func wireGroup(f protoreflect.FieldDescriptor) string {
	for name, kinds := range wireGroups {
		if slices.Contains(kinds, f.Kind()) {
			return name
		}
	}
	return f.Kind().String()
}

var wireGroups = map[string][]protoreflect.Kind{
	"number": {
		protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind,
		protoreflect.BoolKind, protoreflect.EnumKind,
	},
	"signed":   {protoreflect.Sint32Kind, protoreflect.Sint64Kind},
	"text":     {protoreflect.StringKind, protoreflect.BytesKind},
	"32 bits":  {protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind},
	"64 bits":  {protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind},
	"messages": {protoreflect.MessageKind},
}

// typeName is a field's type as a person reads it.
func typeName(f protoreflect.FieldDescriptor) string {
	name := f.Kind().String()
	switch {
	case f.IsMap():
		return "map<" + typeName(f.MapKey()) + ", " + typeName(f.MapValue()) + ">"
	case f.Message() != nil:
		name = string(f.Message().FullName())
	case f.Enum() != nil:
		name = string(f.Enum().FullName())
	}
	if f.IsList() {
		return "repeated " + name
	}
	return name
}
