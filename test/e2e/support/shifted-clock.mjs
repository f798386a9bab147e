// Loaded into a server by NODE_OPTIONS: its clock is off by the milliseconds that the file named by TEST_CLOCK_FILE says, and goes on.
import { readFileSync } from 'node:fs'

const Real = Date

function offsetMs() {
  return Number(readFileSync(process.env.TEST_CLOCK_FILE, 'utf8'))
}

globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length === 0) super(Real.now() + offsetMs())
    else super(...given)
  }

  static now() {
    return Real.now() + offsetMs()
  }
}
