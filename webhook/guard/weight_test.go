package guard

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// decoded keeps what is measured from being collected.
var decoded corev1.Pod

func TestWhatIsDecodedTakesNoMoreThanIsEstimated(t *testing.T) {
	const many = 20000
	list := func(path, element string) string {
		open, closing, _ := strings.Cut(path, "…")
		return open + strings.Repeat(element+",", many-1) + element + closing
	}
	for name, document := range map[string]string{
		"empty containers":               list(`{"spec":{"containers":[…]}}`, `{}`),
		"containers that are null":       list(`{"spec":{"containers":[…]}}`, `null`),
		"containers that are numbers":    list(`{"spec":{"containers":[…]}}`, `0`),
		"ephemeral containers":           list(`{"spec":{"ephemeralContainers":[…]}}`, `{}`),
		"volumes":                        list(`{"spec":{"volumes":[…]}}`, `{}`),
		"volumes of all kinds":           list(`{"spec":{"volumes":[…]}}`, `{"emptyDir":{},"nfs":{},"rbd":{},"iscsi":{},"csi":{}}`),
		"containers with all their own":  list(`{"spec":{"containers":[…]}}`, `{"securityContext":{},"livenessProbe":{"httpGet":{}},"lifecycle":{"preStop":{}}}`),
		"annotations":                    `{"metadata":{"annotations":{"a":"b"` + strings.Repeat(`,"`+strings.Repeat("k", 20)+`":""`, many) + `}}}`,
		"objects in a map":               `{"metadata":{"labels":{"a":{}` + strings.Repeat(`,"`+strings.Repeat("k", 20)+`":{}`, many) + `}}}`,
		"limits":                         list(`{"spec":{"containers":[…]}}`, `{"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}}}`),
		"templates of claims":            list(`{"spec":{"volumes":[…]}}`, `{"ephemeral":{"volumeClaimTemplate":{"spec":{"selector":{}}}}}`),
		"affinity":                       list(`{"spec":{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[…]}}}}`, `{"labelSelector":{},"namespaceSelector":{}}`),
		"variables from elsewhere":       list(`{"spec":{"containers":[{"env":[…]}]}}`, `{"valueFrom":{"fieldRef":{},"secretKeyRef":{},"configMapKeyRef":{},"resourceFieldRef":{}}}`),
		"fields that are managed":        list(`{"metadata":{"managedFields":[…]}}`, `{"fieldsV1":{"f:a":{"f:b":{}}}}`),
		"a name of a megabyte":           `{"metadata":{"name":"` + strings.Repeat("n", 1<<20) + `"}}`,
		"a name of escapes":              `{"metadata":{"name":"` + strings.Repeat(`\u00df`, 1<<18) + `"}}`,
		"what a pod does not have":       list(`{"spec":{"unknown":[…]}}`, `{"a":[]}`),
		"a list in a list, and so forth": `{"spec":{"containers":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			decoded = corev1.Pod{}
			runtime.GC()
			runtime.ReadMemStats(&before)
			_ = json.Unmarshal([]byte(document), &decoded) // the first fault does not end it
			runtime.ReadMemStats(&after)
			estimate := weigh([]byte(document), math.MaxInt64)
			if taken := int64(after.HeapAlloc) - int64(before.HeapAlloc); taken > estimate {
				t.Errorf("it took %d bytes, estimated %d", taken, estimate)
			}
		})
	}
}

func TestValuesAreWeighedOutsideOfStrings(t *testing.T) {
	for document, want := range map[string]int64{
		``: 0, `{}`: perObject + perField, `[1,2]`: 2 * perElement, `{"a":"{[,,"}`: perObject + perField,
		`{"a":"\",","b":1}`: perObject + 2*perField, `"\\",`: perField, `{"a":[{},1],"b":1}`: 2*perObject + 3*perField + 2*perElement, `]},`: perField,
	} {
		if got, want := weigh([]byte(document), math.MaxInt64), want+copies*int64(len(document)); got != want {
			t.Errorf("%s: %d, want %d", document, got, want)
		}
	}
}

// pod is one of a container with so many variables, as the API server sends it.
func pod(variables int) string {
	var env, fields []string
	for i := range variables {
		name := fmt.Sprintf("SOME_VARIABLE_%04d", i)
		env = append(env, fmt.Sprintf(`{"name":%q,"value":"http://orders.shop.svc:8080/%d"}`, name, i))
		fields = append(fields, fmt.Sprintf(`"k:{\"name\":\"%s\"}":{".":{},"f:name":{},"f:value":{}}`, name))
	}
	return `{"metadata":{"managedFields":[{"fieldsV1":{"f:spec":{"f:containers":{"f:env":{` + strings.Join(fields, ",") +
		`}}}}}]},"spec":{"containers":[{"name":"app","env":[` + strings.Join(env, ",") + `]}]}}`
}

func TestPodsAreLight(t *testing.T) {
	for variables, most := range map[int]int64{10: maxDecidingEach / 360, 3000: maxWeight} {
		if got := weigh([]byte(pod(variables)), math.MaxInt64); got > most {
			t.Errorf("a pod of %d variables weighs %d, want at most %d", variables, got, most)
		}
	}
}
