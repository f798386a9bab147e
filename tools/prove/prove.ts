// One deployment, from its start to its stop: a device publishes, and somebody sees it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { makeFirstAccount, requireClosed } from './account.ts'
import type { Compose } from './compose-file.ts'
import type { Deployment } from './deployments.ts'
import type { Podman } from './podman.ts'
import { createProject } from './project.ts'
import type { Project } from './project.ts'
import { publish, seeInApi, seeInPage } from './seen.ts'

/** Characters of each log that are shown when something is broken. */
const LOG_END = 3_000

interface Proof { deployment: Deployment, compose: Compose, podman: Podman, say: (sentence: string) => void }

/** @throws with what is broken; nothing runs afterwards. */
export async function proveDeployment({ deployment, compose, podman, say }: Proof) {
  const project = createProject(compose, podman, say)
  try {
    for (const name of deployment.leftOut) say(`${name}: left out, there is no stand-in for it`)
    await project.start()
    await seeAll({ deployment, folder: compose.folder, project, say })
    project.stop()
    say(`proved: ${deployment.files.join(', ')}`)
  }
  catch (error) {
    for (const name of Object.keys(compose.services)) console.error(`--- ${name}\n${project.log(name).slice(-LOG_END)}`)
    throw error
  }
  finally {
    podman.succeeds(['rm', '--all', '--force', '--time', '0'])
    for (const kind of ['network', 'volume']) podman.succeeds([kind, 'prune', '--force'])
  }
}

async function seeAll({ deployment, folder, project, say }: Pick<Proof, 'deployment' | 'say'> & { folder: string, project: Project }) {
  const { origin, device, codeFrom } = deployment
  const authorities = deployment.authorities.map(file => readFileSync(join(folder, file), 'utf8'))
  setDefaultCACertificates([...getCACertificates(), ...authorities])
  if (deployment.isClosed) {
    await requireClosed(origin)
    say(`${origin}: nobody may enter without an account`)
  }
  const cookie = codeFrom ? await makeFirstAccount(origin, project.log(codeFrom)) : undefined
  const { url, options } = deployment.broker(folder)
  await publish(url, device, options)
  say(`${device} published on ${url}`)
  await seeInApi({ origin, device, cookie })
  say(`${origin}/api/sensors shows it`)
  await seeInPage({ origin, device, cookie })
  say(`the page at ${origin} shows it`)
  const more = await deployment.seeMore?.(folder, cookie ?? '')
  if (more) say(more)
}
