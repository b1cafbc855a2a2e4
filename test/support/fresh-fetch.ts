/** `fetch` on a connection that serves nothing else, so that a balancer gives the next request to another replica. */
export const freshFetch: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set('Connection', 'close');
  return fetch(input, { ...init, headers });
};
