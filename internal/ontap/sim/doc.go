// Package sim is an ONTAP array that lives in memory: one cluster, or two that
// are joined as a MetroCluster, with the REST API that this project uses, over
// HTTPS, with accounts, jobs, locks, takeovers and switchovers.
//
// It is written from the facts about the API alone and imports nothing of this
// project, so that what is tested against it cannot be wrong in the same way.
// What the facts leave open is a switch (Doubts). Time is asked for, never
// waited on: every state is computed from the clock at each request, so that an
// injected clock needs no ticks.
//
// It must never answer a call that the facts do not list as if it knew it,
// never let a password out (log, dump, state file), and never listen on anything
// but the addresses that it was given and loopback.
package sim
