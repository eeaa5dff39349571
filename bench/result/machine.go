package result

// Machine is where a measurement was.
type Machine struct {
	OS         string   `json:"os"`                 // operating system
	Arch       string   `json:"arch"`               // architecture
	Kernel     string   `json:"kernel"`             // release of the kernel
	CPU        string   `json:"cpu"`                // its model
	CPUs       int      `json:"cpus"`               // that this process may use
	Memory     int64    `json:"memory_bytes"`       // of the machine
	Load       float64  `json:"load"`               // average of the last minute, before the start
	Steal      float64  `json:"steal"`              // share of CPU time that a hypervisor took during the measurement, 0 to 1
	Others     []Other  `json:"others,omitempty"`   // other processes that computed during the measurement
	Virtual    string   `json:"virtual,omitempty"`  // the hypervisor, where there is one
	Onnx       string   `json:"onnxruntime"`        // version of onnxruntime
	PostgreSQL string   `json:"postgresql"`         // version of the server
	Broker     string   `json:"broker"`             // bundled, or the addresses of another
	Warnings   []string `json:"warnings,omitempty"` // what makes the figures doubtful, a line each
}

// Other is a process that is no part of the measurement.
type Other struct {
	Name string  `json:"name"` // its command
	PID  int     `json:"pid"`  // its id
	CPU  float64 `json:"cpu"`  // share of one CPU, 1: all of it
}

// Input is a file that was read.
type Input struct {
	Role   string `json:"role"`   // clip, model
	Name   string `json:"name"`   // without its directory
	Bytes  int64  `json:"bytes"`  // its size
	SHA256 string `json:"sha256"` // its hash
}
