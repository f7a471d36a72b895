// Package onelock says whether a pod has the lock that the pods of its election have.
// With two locks an election would have two leaders, each of them rightly.
//
// It promises that a pod whose lock differs from that of another pod is told so, as
// long as that pod has not ended, by what the sidecars were told at admission, which
// nobody can change later.
//
// Two elections with one lock have one leader between them. That is warned of, and not
// refused: nobody leads who should not.
//
// It does not promise to know all pods: those of another cluster are not known here,
// and a cache can miss what has just been made.
package onelock
