/** Sends JSON where there is a body, and reads JSON where it comes. Throws where the answer is no success. */
export async function ask<T>(url: string, body?: object): Promise<T> {
  const response = await fetch(url, {
    headers: { accept: 'application/json', ...(body && { 'content-type': 'application/json' }) },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}
