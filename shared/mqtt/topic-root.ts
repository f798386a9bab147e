/** With what comes behind it, it is far from the 65,535 bytes that a topic may have. */
const MAX_LENGTH = 200

/** Whether the application may publish below a topic; below `sensors` it would take itself for a device. */
export function isTopicRoot(root: string): boolean {
  const levels = root.split('/')
  return root.length <= MAX_LENGTH && root.isWellFormed() && !/[+#\p{Cc}]/u.test(root) && !root.startsWith('$')
    && levels.every(level => level !== '') && levels[0] !== 'sensors'
}
