/** Why a command cannot be done, in one sentence fit to show. */
export class AdminFailure extends Error {}
