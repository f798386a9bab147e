type Env = Record<string, string | undefined>

/**
 * Whether the standard's variables ask for traces: a collector is configured, and nothing switches traces off.
 * Without traces only this is loaded; an empty variable counts as unset.
 */
export function areTracesWanted(env: Env): boolean {
  const isDisabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true'
  return !isDisabled && env.OTEL_TRACES_EXPORTER?.trim() !== 'none' && endpointOf(env) !== undefined
}

/** The collector; undefined: none. */
export function endpointOf(env: Env): string | undefined {
  return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() || env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() || undefined
}
