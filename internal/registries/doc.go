// Package registries has no code of sightlog's. Its tests do the same with our schema registry and
// with Apicurio Registry, a registry of others that speaks the same API, and with Confluent's
// serializers of Python.
package registries
