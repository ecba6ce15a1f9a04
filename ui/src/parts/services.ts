/** What each kind of service is there for, for who looks for what has stopped. */
export const SERVICES: Record<string, string> = {
  api: "answers the API, this page too",
  boots: "starts what is due when the machine starts",
  breakers: "shares breakers with the other workers",
  cleaner: "removes what need not be kept any more",
  dispatcher: "sends notices and webhooks",
  judge: "looks after the rules, and opens incidents",
  mover: "moves jobs out of regions that went away",
  operator: "does what is asked for many jobs at once",
  partitioner: "makes tables ready for the days to come",
  reconciler: "brings the schedules of the code into the store",
  rescuer: "gives back the jobs of workers that died",
  scheduler: "makes jobs of what is due",
  steward: "tells how services stand, and does what is wished of them",
  watchdog: "mends the next times of schedules",
  watcher: "counts how tasks, schedules and queues fare",
  worker: "runs jobs",
};
