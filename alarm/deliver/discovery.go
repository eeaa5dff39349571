package deliver

import (
	"encoding/json"
	"maps"
	"strings"
)

// The topics.
const (
	mqttStatus = "sightlog/status" // retained: whether somebody publishes
	mqttAlarms = "sightlog/alarms"
)

// shownState is the state of a camera as it is published.
type shownState struct {
	Occupancy string `json:"occupancy"` // ON or OFF: a person was seen within the last seconds
	Motion    string `json:"motion"`    // the same of an object that moves
	People    int    `json:"people"`
}

// discovery is the description of a camera's device for Home Assistant (MQTT device discovery).
func discovery(camera, base string, pictures bool) map[string]any {
	id := "sightlog_" + camera
	component := func(platform, name, field string, more map[string]any) map[string]any {
		c := map[string]any{
			"platform": platform, "name": name, "unique_id": id + "_" + field,
			"state_topic": base + "/state", "value_template": "{{ value_json." + field + " }}",
		}
		maps.Copy(c, more)
		return c
	}
	components := map[string]any{
		"occupancy": component("binary_sensor", "Occupancy", "occupancy", map[string]any{"device_class": "occupancy"}),
		"motion":    component("binary_sensor", "Motion", "motion", map[string]any{"device_class": "motion"}),
		"people":    component("sensor", "People", "people", map[string]any{"state_class": "measurement", "icon": "mdi:account-multiple"}),
	}
	components["snapshot"] = map[string]any{"platform": "image"} // alone: it is removed
	if pictures {
		components["snapshot"] = map[string]any{
			"platform": "image", "name": "Snapshot", "unique_id": id + "_snapshot", "image_topic": base + "/snapshot", "content_type": "image/jpeg",
		}
	}
	return map[string]any{
		"device":       map[string]any{"identifiers": []string{id}, "name": "sightlog " + camera, "manufacturer": "sightlog"},
		"origin":       map[string]any{"name": "sightlog"},
		"components":   components,
		"qos":          1,
		"availability": []map[string]any{{"topic": mqttStatus}, {"topic": base + "/availability"}}, "availability_mode": "all",
	}
}

// A sensor shows whether the alarm of a rule is on.
type sensor struct{ prefix, rule string }

func (s sensor) config() string {
	return s.prefix + "/binary_sensor/sightlog/alarm_" + s.rule + "/config"
}
func (s sensor) state() string      { return mqttAlarms + "/" + s.rule + "/state" }
func (s sensor) attributes() string { return mqttAlarms + "/" + s.rule + "/attributes" }

// topics are those at which the broker retains something of the sensor.
func (s sensor) topics() []string { return []string{s.config(), s.state(), s.attributes()} }

// discovery is the sensor's description for Home Assistant. Its device is that of the camera, or of
// the place.
func (s sensor) discovery(camera, subject string) ([]byte, error) {
	device := camera
	if device == "" {
		device = strings.ReplaceAll(subject, "/", "_")
	}
	return json.Marshal(map[string]any{
		"name": s.rule, "unique_id": "sightlog_alarm_" + s.rule, "device_class": "problem", "state_topic": s.state(),
		"json_attributes_topic": s.attributes(), "availability_topic": mqttStatus,
		"device": map[string]any{"identifiers": []string{"sightlog_" + device}, "name": "sightlog " + device, "manufacturer": "sightlog"},
		"origin": map[string]any{"name": "sightlog"},
	})
}
