package config

// Into is how to reach the cluster that is mirrored into. Its keys are those of Cluster with
// into before them, except that --into is its brokers. It is a struct of its own because nearly every
// help is another sentence: one struct with kong's prefix needs a variable for each.
type Into struct {
	Into             []string `placeholder:"HOST:PORT" help:"Kafka brokers to mirror into."`
	IntoTLS          bool     `name:"into-tls" help:"Speak TLS with them."`
	IntoTLSCA        string   `name:"into-tls-ca" placeholder:"FILE" help:"PEM certificates to trust there instead of the system's."`
	IntoTLSCert      string   `name:"into-tls-cert" placeholder:"FILE" help:"PEM client certificate for them."`
	IntoTLSKey       string   `name:"into-tls-key" placeholder:"FILE" help:"PEM key of --into-tls-cert."`
	IntoSASL         string   `name:"into-sasl" enum:"plain,scram-sha-256,scram-sha-512,oauthbearer," default:"" placeholder:"MECHANISM" help:"Authenticate there: plain, scram-sha-256, scram-sha-512 or oauthbearer."`
	IntoSASLUser     string   `name:"into-sasl-user" placeholder:"NAME" help:"User for --into-sasl."`
	IntoSASLPassword string   `name:"into-sasl-password" placeholder:"PASSWORD" help:"Password for --into-sasl; better given as SIGHTLOG_INTO_SASL_PASSWORD."`
	IntoSASLToken    string   `name:"into-sasl-token" placeholder:"file:PATH|command:PROGRAM|URL" help:"Token for --into-sasl oauthbearer, as --sasl-token has it."`
	IntoSASLScope    []string `name:"into-sasl-scope" placeholder:"SCOPE" help:"Scopes to ask the token endpoint for."`
}

// Cluster returns the cluster that is mirrored into.
func (i Into) Cluster() Cluster {
	return Cluster{
		Brokers: i.Into, TLS: i.IntoTLS, TLSCA: i.IntoTLSCA, TLSCert: i.IntoTLSCert, TLSKey: i.IntoTLSKey,
		SASL: i.IntoSASL, SASLUser: i.IntoSASLUser, SASLPassword: i.IntoSASLPassword,
		SASLToken: i.IntoSASLToken, SASLScope: i.IntoSASLScope,
	}
}

// Spool is a log of detect's own, for the time without the brokers.
type Spool struct {
	Spool      string  `placeholder:"DIR" help:"Keep a log here and mirror it to --brokers, which may be away for hours: nothing is lost, and each camera stays in order."`
	SpoolSpace float64 `default:"10" placeholder:"GB" help:"The most that sightings, crossings and visits take in the spool, in gigabytes (${default}); when it is full, files wait and live cameras drop frames."`
	DropOldest
}

// DropOldest is the choice to lose the oldest records instead of the newest.
type DropOldest struct {
	DropOldest bool `help:"When the log that is mirrored is full, remove the oldest records although they are not mirrored, and count them. Without it nothing more is taken."`
}
