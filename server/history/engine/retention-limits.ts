/** How much of the history is retained. */
export interface RetentionLimits {
  /** Days per tier; 0 is for ever. */
  rawDays: number
  minuteDays: number
  hourDays: number
  bytes: number
}
