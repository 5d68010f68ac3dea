import type { ServerEndpoint } from '../core/mysql.ts';
import type { FanoutSettings } from './fanout.ts';
import type { KafkaSettings } from './kafka-sink.ts';

type Plain<T extends { readonly password: () => string }> = Omit<T, 'password'> & { readonly password: string };

/** What one delivery is to do, as data that can be handed to a thread: secrets as they are now. */
export interface DeliveryOrder {
  readonly backup: Plain<ServerEndpoint>;
  readonly kafka: Omit<KafkaSettings, 'sasl'> & FanoutSettings & { readonly sasl: Plain<NonNullable<KafkaSettings['sasl']>> | null };
  readonly ledger: string;
  readonly sourceId: number;
  readonly alias: string;
  readonly epoch: number;
  readonly version: string;
  /** The log is durable before this ordinal. */
  readonly upTo: number;
}

/** To the thread. */
export type ToDelivery =
  /** The log is durable before ordinal `upTo`, or the history of definitions has grown. `behind`: capture has work waiting. */
  | { readonly kind: 'durable'; readonly upTo: number; readonly behind: boolean }
  | { readonly kind: 'stop' };

/** From the thread. It ends with `over`, whose `failure` is null when it was told to stop. */
export type FromDelivery =
  | { readonly kind: 'connected' }
  | { readonly kind: 'sent'; readonly records: number }
  | { readonly kind: 'over'; readonly failure: PlainFailure | null };

/** An error without what cannot cross from thread to thread. */
export interface PlainFailure {
  readonly message: string;
  /** Of an UndoError. */
  readonly named: { readonly code: string; readonly fix: string } | null;
  /** Of a driver's error: what tells the server's refusals and lost connections apart. */
  readonly marks: Readonly<Record<string, string | number | boolean>>;
}
