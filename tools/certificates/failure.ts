/** What keeps certificates from being made, in one sentence fit to show. */
export class CertificatesFailure extends Error {}
