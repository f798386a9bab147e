type Env = Record<string, string | undefined>

/**
 * Whether the standard's variables ask for traces: somebody is named who collects them, and nothing switches them off. All that is loaded
 * where they do not; an empty variable is as good as none.
 */
export function areTracesWanted(env: Env): boolean {
  const isDisabled = env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true'
  return !isDisabled && env.OTEL_TRACES_EXPORTER?.trim() !== 'none' && endpointOf(env) !== undefined
}

/** Who collects them; undefined: nobody. */
export function endpointOf(env: Env): string | undefined {
  return env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() || env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() || undefined
}
