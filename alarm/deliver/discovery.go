package deliver

import "maps"

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
