import { generate } from 'selfsigned';

/** PEM texts. */
export interface Identity {
  cert: string;
  key: string;
}

/** A certificate authority of one test's own. */
export interface Authority {
  readonly cert: string;
  /** A certificate for a server of this machine, or for a client. */
  issue(commonName: string): Promise<Identity>;
}

export async function createAuthority(commonName: string): Promise<Authority> {
  const attributes = (value: string) => [{ name: 'commonName', value }];
  const kind = { keyType: 'ec', algorithm: 'sha256' } as const;
  const { cert, private: key } = await generate(attributes(commonName), {
    ...kind,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  return {
    cert,
    async issue(name) {
      const issued = await generate(attributes(name), {
        ...kind,
        ca: { cert, key },
        extensions: [
          { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
          {
            name: 'subjectAltName',
            altNames: [
              { type: 2, value: name },
              { type: 7, ip: '127.0.0.1' },
            ],
          },
        ],
      });
      return { cert: issued.cert, key: issued.private };
    },
  };
}
