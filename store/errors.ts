/** The database cannot be reached, or gave up in the middle. What was asked may be tried again. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable';
}
