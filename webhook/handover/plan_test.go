package handover

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/leaseholder-dev/leaseholder/injector"
	"github.com/leaseholder-dev/leaseholder/sidecar/lock"
)

// world is one election in virtual time. It is planned as the controller does:
// when something has changed, and when a plan said so, and never otherwise.
type world struct {
	t       *testing.T
	began   time.Time
	now     time.Time
	record  lock.Record
	pods    []corev1.Pod
	memory  *memory
	changed bool
	// obey is what the holder makes of a request; by default it hands over at once.
	obey func(w *world, to string)
	// script is what happens at which second.
	script map[int][]func(w *world)
	orders []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	began := time.Unix(1_000_000, 0)
	return &world{
		t: t, began: began, now: began, memory: newMemory(), changed: true, script: map[int][]func(w *world){},
		record: lock.Record{Duration: 15 * time.Second},
		obey:   func(w *world, to string) { w.leads(to) },
	}
}

func (w *world) pod(name string) *corev1.Pod {
	w.t.Helper()
	at := slices.IndexFunc(w.pods, func(p corev1.Pod) bool { return p.Name == name })
	if at < 0 {
		w.t.Fatalf("there is no pod %q", name)
	}
	return &w.pods[at]
}

// add adds a pod that is ready.
func (w *world) add(name string, priority int) {
	w.pods = append(w.pods, corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: name, UID: types.UID(fmt.Sprintf("%s-%d", name, len(w.pods))),
	}})
	w.prioritize(name, priority)
	w.ready(name, true)
}

func (w *world) prioritize(name string, priority int) {
	w.pod(name).Annotations = map[string]string{injector.AnnotationPriority: strconv.Itoa(priority)}
	w.changed = true
}

func (w *world) ready(name string, ready bool) {
	p, status := w.pod(name), corev1.ConditionTrue
	if !ready {
		status = corev1.ConditionFalse
		w.memory.interrupt(p.UID)
	}
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
	w.changed = true
}

func (w *world) ends(name string) {
	w.pod(name).DeletionTimestamp = new(metav1.NewTime(w.now))
	w.ready(name, false)
}

// leads begins a term of the pod, and starts another process in it.
func (w *world) leads(name string) {
	w.record.Token++
	holder := lock.Identity{Pod: name, UID: string(w.pod(name).UID), Start: strconv.FormatInt(w.record.Token, 10)}.String()
	w.record.Holder, w.record.Stamp, w.record.StepDown, w.record.Preferred = holder, holder, "", ""
	w.changed = true
}

func (w *world) free() {
	w.record.Holder, w.record.Stamp, w.record.StepDown = "", "", ""
	w.changed = true
}

// after adds to the script what happens so many seconds from now.
func (w *world) after(seconds int, f func(w *world)) {
	at := int(w.now.Sub(w.began).Seconds()) + seconds
	w.script[at] = append(w.script[at], f)
}

// run lets time pass.
func (w *world) run(total time.Duration) {
	var timer time.Time
	for second := 0; w.now.Sub(w.began) < total; second++ {
		w.now = w.began.Add(time.Duration(second) * time.Second)
		for _, f := range w.script[second] {
			f(w)
		}
		if !timer.IsZero() && !w.now.Before(timer) {
			timer, w.changed = time.Time{}, true
		}
		for w.changed {
			w.changed = false
			o, again := w.memory.plan(w.record, w.pods, w.now)
			if again > 0 {
				timer = w.now.Add(again)
			}
			if o == nil {
				continue
			}
			w.orders = append(w.orders, fmt.Sprintf("%s %s→%s", w.now.Sub(w.began), o.from.Name, o.to.Name))
			w.memory.gave(o, w.record, w.now)
			w.record.StepDown, w.record.Preferred, w.changed = w.record.Holder, o.to.Name, true
			w.after(1, func(w *world) { w.obey(w, o.to.Name) })
		}
	}
}

func TestPlan(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(w *world)
		want  []string
	}{
		"a ready candidate of higher priority gets the lead after the window, and keeps it": {
			func(w *world) { w.add("a", 0); w.add("b", 10); w.leads("a") },
			[]string{"30s a→b"},
		},
		"the window is the Lease's duration where that is longer": {
			func(w *world) { w.add("a", 0); w.add("b", 10); w.leads("a"); w.record.Duration = time.Minute },
			[]string{"1m0s a→b"},
		},
		"the same priority is no reason": {
			func(w *world) { w.add("a", 10); w.add("b", 10); w.leads("a") },
			nil,
		},
		"a lower priority is no reason": {
			func(w *world) { w.add("a", 0); w.add("b", -1); w.leads("a") },
			nil,
		},
		"a priority that can't be read counts as 0": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.pod("b").Annotations[injector.AnnotationPriority] = "high"
				w.leads("a")
			},
			nil,
		},
		"the window begins when the candidate becomes ready": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.ready("b", false)
				w.after(100, func(w *world) { w.ready("b", true) })
			},
			[]string{"2m10s a→b"},
		},
		"an interruption begins the window anew, also one that nobody has time to see": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(20, func(w *world) { w.ready("b", false); w.ready("b", true) })
			},
			[]string{"50s a→b"},
		},
		"the window begins when the priority becomes higher": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 0)
				w.add("c", -1)
				w.leads("a")
				w.after(100, func(w *world) { w.prioritize("b", 1) })
			},
			[]string{"2m10s a→b"},
		},
		"the highest goes first": {
			func(w *world) { w.add("a", 0); w.add("b", 5); w.add("c", 10); w.add("d", 7); w.leads("a") },
			[]string{"30s a→c"},
		},
		"of the highest, the one that has been ready longest goes first": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.add("c", 10)
				w.leads("a")
				w.ready("b", false)
				w.ready("c", false)
				// While a new leader is awaited, both get ready.
				w.after(10, func(w *world) { w.ready("c", true); w.pod("a").DeletionTimestamp = new(metav1.Now()) })
				w.after(20, func(w *world) { w.ready("b", true) })
				w.after(60, func(w *world) { w.pod("a").DeletionTimestamp = nil; w.changed = true })
			},
			[]string{"1m0s a→c"},
		},
		"one that is not ready does not hold up the next best": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 5)
				w.add("c", 10)
				w.leads("a")
				w.ready("c", false)
				w.after(100, func(w *world) { w.ready("c", true) })
			},
			[]string{"30s a→b", "2m10s b→c"},
		},
		"nobody is asked while the leader's pod ends": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(29, func(w *world) { w.ends("a") })
			},
			nil,
		},
		"nobody is asked for a leader whose pod has ended": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.pod("a").Status.Phase = corev1.PodFailed
			},
			nil,
		},
		"a pod that ends gets no lead": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(29, func(w *world) { w.ends("b") })
			},
			nil,
		},
		"a holder that is not ours is not asked, though it names one of ours": {
			func(w *world) { w.add("a", 0); w.add("b", 10); w.leads("a"); w.record.Stamp = "" },
			nil,
		},
		"a holder that is none of the pods is not asked": {
			func(w *world) { w.add("a", 0); w.add("b", 10); w.leads("a"); w.pod("a").UID = "another" },
			nil,
		},
		"after a holder that was not ours the window begins anew": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(10, func(w *world) { w.record.Stamp = ""; w.changed = true })
				w.after(20, func(w *world) { w.leads("a") })
			},
			[]string{"50s a→b"},
		},
		"another leader begins the window anew": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.add("c", 0)
				w.leads("a")
				w.after(20, func(w *world) { w.leads("c") })
			},
			[]string{"50s c→b"},
		},
		"another start in the leader's pod does not": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(20, func(w *world) { w.leads("a") })
			},
			[]string{"30s a→b"},
		},
		"a lock that is free for a moment does not": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(20, (*world).free)
				w.after(21, func(w *world) { w.leads("a") })
			},
			[]string{"30s a→b"},
		},
		"an interruption while the lock is free does": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(20, (*world).free)
				w.after(21, func(w *world) { w.ready("b", false); w.ready("b", true) })
				w.after(22, func(w *world) { w.leads("a") })
			},
			[]string{"52s a→b"},
		},
		"somebody else's request gets a window of its own first": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(25, func(w *world) { w.record.StepDown, w.changed = w.record.Holder, true })
			},
			[]string{"55s a→b"},
		},
		"a request to somebody who does not lead delays nothing": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(25, func(w *world) { w.record.StepDown, w.changed = "b_b_1", true })
			},
			[]string{"30s a→b"},
		},
		"a lead that was taken away by hand comes back after twice the window": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(100, func(w *world) { w.leads("a") })
			},
			[]string{"30s a→b", "2m40s a→b"},
		},
		"after ten minutes in the lead it comes back after one window": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.leads("a")
				w.after(100, func(w *world) { w.leads("a") })        // back at 2m40s
				w.after(160+601+39, func(w *world) { w.leads("a") }) // at 13m20s
			},
			[]string{"30s a→b", "2m40s a→b", "13m50s a→b"},
		},
		"another that is ready is given the lead while the one that failed waits": {
			func(w *world) {
				w.add("a", 0)
				w.add("b", 10)
				w.add("c", 5)
				w.leads("a")
				w.after(40, func(w *world) { w.leads("a") })
			},
			[]string{"30s a→b", "1m10s a→c", "2m11s c→b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.begin(w)
			w.run(20 * time.Minute)
			if !slices.Equal(w.orders, test.want) {
				t.Errorf("got %q, want %q", w.orders, test.want)
			}
		})
	}
}

// Whatever goes wrong again and again, in an hour the lead moves a few times,
// each time after a longer while.
func TestWhatFailsIsTriedLessAndLess(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(w *world)
		want  []string
	}{
		"the holder does not listen": {
			func(w *world) { w.obey = func(*world, string) {} },
			[]string{"30s a→b", "2m0s a→b", "4m30s a→b", "9m0s a→b", "17m30s a→b", "28m0s a→b", "38m30s a→b", "49m0s a→b", "59m30s a→b"},
		},
		"another takes the lead": {
			func(w *world) {
				w.add("c", 0)
				w.obey = func(w *world, _ string) { w.leads("c") }
			},
			[]string{"30s a→b", "1m31s c→b", "3m32s c→b", "7m33s c→b", "15m34s c→b", "25m35s c→b", "35m36s c→b", "45m37s c→b", "55m38s c→b"},
		},
		"the candidate breaks down soon after it has taken the lead": {
			func(w *world) {
				w.obey = func(w *world, to string) {
					w.leads(to)
					w.after(20, func(w *world) { w.ready("b", false); w.free() })
					w.after(21, func(w *world) { w.leads("a") })
					w.after(25, func(w *world) { w.ready("b", true) })
				}
			},
			[]string{"30s a→b", "1m56s a→b", "4m22s a→b", "8m48s a→b", "17m14s a→b", "27m40s a→b", "38m6s a→b", "48m32s a→b", "58m58s a→b"},
		},
		"so does every pod of its name": {
			func(w *world) {
				generation := 0
				w.obey = func(w *world, to string) {
					w.leads(to)
					w.after(10, func(w *world) {
						generation++
						w.pod("b").UID = types.UID(fmt.Sprintf("b-%d", generation))
						w.leads("a")
					})
				}
			},
			[]string{"30s a→b", "1m41s a→b", "3m52s a→b", "8m3s a→b", "16m14s a→b", "26m25s a→b", "36m36s a→b", "46m47s a→b", "56m58s a→b"},
		},
		"the candidate is ready for less than a window at a time": {
			func(w *world) {
				for at := 20; at < 3600; at += 25 {
					w.after(at, func(w *world) { w.ready("b", false) })
					w.after(at+5, func(w *world) { w.ready("b", true) })
				}
			},
			nil,
		},
		"it is ready for longer, and loses the lead when it is not": {
			func(w *world) {
				for at := 45; at < 3600; at += 50 {
					w.after(at, func(w *world) { w.ready("b", false); w.leads("a") })
					w.after(at+5, func(w *world) { w.ready("b", true) })
				}
			},
			// Its 45 seconds are less than two windows, until the failure is forgotten.
			[]string{"30s a→b", "21m20s a→b", "42m10s a→b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.add("a", 0)
			w.add("b", 10)
			w.leads("a")
			test.begin(w)
			w.run(time.Hour)
			if !slices.Equal(w.orders, test.want) {
				t.Errorf("got %q, want %q", w.orders, test.want)
			}
		})
	}
}
