/** A server that carries the relay between processes: makes a connection to it, which is not open yet. */
export type Carrier = (options: ConnectionOptions) => CarrierConnection;

export interface ConnectionOptions {
  /** What the server's own list of connections shows. */
  name: string;
  /** The connection is lost for good. May be called several times, and after `close`. */
  onLost(error: unknown): void;
  onNotice(notice: Notice): void;
}

/** What travels: one payload on one channel. */
export interface Notice {
  channel: string;
  payload: string;
}

/** Where the server falls silent, these promises need not settle: whoever asks has a deadline. */
export interface CarrierConnection {
  open(): Promise<unknown>;
  /** From when this is done on, `onNotice` hears exactly the channels that were added and not removed. */
  listen(added: readonly string[], removed: readonly string[]): Promise<unknown>;
  /** Order is kept. */
  send(notices: readonly Notice[]): Promise<unknown>;
  ping(): Promise<unknown>;
  /** Gives the connection up, whatever state it is in. */
  close(): void;
}
