import type { FleetBlock } from '#shared/fleet/fleet-groups'

export interface WallRoom {
  readonly height: number
  readonly headHeight: number
  readonly rowHeight: number
}

/**
 * The rows of the overview as pages that fit; at least one row of devices on each. A group that continues has its
 * head on every page, and no head is at the end of a page without a device below it.
 */
export function wallPages(blocks: readonly FleetBlock[], { height, headHeight, rowHeight }: WallRoom): FleetBlock[][] {
  const pages: FleetBlock[][] = []
  let page: FleetBlock[] = []
  let left = height
  let head: FleetBlock | undefined
  let isHeadDue = false

  for (const block of blocks) {
    if (block.kind === 'head') {
      head = block
      isHeadDue = true
      continue
    }
    const needed = rowHeight + (isHeadDue ? headHeight : 0)
    if (page.length > 0 && left < needed) {
      pages.push(page)
      page = []
      left = height
      isHeadDue = head !== undefined
    }
    if (isHeadDue && head) {
      page.push(head)
      left -= headHeight
      isHeadDue = false
    }
    page.push(block)
    left -= rowHeight
  }
  if (page.length > 0) pages.push(page)
  return pages
}
