// Run before every file: what is waited for may take its time on a busy machine. Only what fails ever waits that long.
import { vi } from 'vitest'

const PATIENCE_MS = 20_000
const { waitFor } = vi

vi.waitFor = (probe, given) => waitFor(probe, { timeout: PATIENCE_MS, ...(typeof given === 'number' ? { timeout: given } : given) })
