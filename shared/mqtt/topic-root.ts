/** With the part after it, it is far below the 65,535 bytes of a topic. */
const MAX_LENGTH = 200

/** Whether the application may publish below a topic; below `sensors` it would look like a device. */
export function isTopicRoot(root: string): boolean {
  const levels = root.split('/')
  return root.length <= MAX_LENGTH && root.isWellFormed() && !/[+#\p{Cc}]/u.test(root) && !root.startsWith('$')
    && levels.every(level => level !== '') && levels[0] !== 'sensors'
}
