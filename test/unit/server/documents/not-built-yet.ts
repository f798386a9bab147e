/** Routes that are described before they are built: they may answer 404 `not-found`. */
export const NOT_BUILT_YET: readonly string[] = []
