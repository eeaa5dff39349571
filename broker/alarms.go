package broker

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// alarms runs functions at their time, one after the other, in the goroutine
// of run. It sleeps until the next is due: a broker with nothing to do does
// nothing.
type alarms struct {
	wake chan struct{} // capacity 1: the first alarm changed

	mu    sync.Mutex // guards queue
	queue alarmQueue
}

// alarm is a function to be run once.
type alarm struct {
	at  time.Time
	fn  func()
	pos int // in the queue, -1 when it is not there
}

func newAlarms() *alarms { return &alarms{wake: make(chan struct{}, 1)} }

// set arranges for fn to be run after d. fn never waits: all other alarms would
// wait with it. What waits for the disk it hands to the broker's tasks, and no
// lock that it takes is held by anyone over a wait.
func (a *alarms) set(d time.Duration, fn func()) *alarm {
	x := &alarm{at: time.Now().Add(d), fn: fn}
	a.mu.Lock()
	heap.Push(&a.queue, x)
	first := a.queue[0] == x
	a.mu.Unlock()
	if first {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
	return x
}

// cancel takes an alarm back. It may be running already. nil is no alarm.
func (a *alarms) cancel(x *alarm) {
	if x == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if x.pos >= 0 {
		heap.Remove(&a.queue, x.pos)
	}
}

func (a *alarms) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		due, wait := a.next()
		if due != nil {
			due.fn()
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-a.wake:
		case <-ctx.Done():
		}
	}
}

// next takes the first alarm if it is due, or says how long it is until then.
func (a *alarms) next() (due *alarm, wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return nil, time.Hour
	}
	if wait = time.Until(a.queue[0].at); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&a.queue).(*alarm), 0
}

type alarmQueue []*alarm

func (q alarmQueue) Len() int           { return len(q) }
func (q alarmQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q alarmQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

func (q *alarmQueue) Push(x any) {
	x.(*alarm).pos = len(*q)
	*q = append(*q, x.(*alarm))
}

func (q *alarmQueue) Pop() any {
	old := *q
	x := old[len(old)-1]
	x.pos = -1
	*q = old[:len(old)-1]
	return x
}
