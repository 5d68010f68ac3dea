import { setTimeout as delay } from 'node:timers/promises';
import { createConnection, type Connection, type ResultSetHeader } from 'mysql2/promise';
import { newProduct, STAFF_PASSWORD, type Staff } from './shop.ts';
import type { ShopModel } from './shop-model.ts';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A session that works in the shop under somebody's name. */
export function logIn(server: Address, user: Staff): Promise<Connection> {
  return createConnection({ host: server.host, port: server.port, user, password: STAFF_PASSWORD, database: 'shop', charset: 'utf8mb4', dateStrings: true });
}

/** Milliseconds that a session rests between two transactions: a shop is not a load test. */
const REST_MS = 15;
const WHO: readonly Staff[] = ['web', 'web', 'web', 'warehouse', 'support'];

/** The sessions that go on all the time, before, during and after the accident. */
export class ShopSessions {
  readonly #model: ShopModel;
  readonly #connections: Connection[] = [];
  #stopping = false;
  /** Resolves when the sessions may go on; none starts a transaction before. */
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => undefined;
  #busy = 0;
  #quiet: (() => void) | null = null;
  #committed = 0;
  #loops: Promise<unknown> = Promise.resolve();
  readonly #waiting: { readonly count: number; readonly reached: () => void }[] = [];

  constructor(model: ShopModel) {
    this.#model = model;
  }

  /** Transactions that the sessions have committed so far. */
  get committed(): number {
    return this.#committed;
  }

  async start(server: Address): Promise<void> {
    for (const user of WHO) this.#connections.push(await logIn(server, user));
    this.#loops = Promise.all(this.#connections.map((connection, i) => this.#work(connection, WHO[i]!, i + 1)));
    this.#loops.catch(() => undefined); // whoever waits for the sessions hears of it
  }

  /** Waits until the sessions have committed `count` more transactions. */
  async more(count: number): Promise<void> {
    const reached = new Promise<void>((resolve) => this.#waiting.push({ count: this.#committed + count, reached: resolve }));
    await Promise.race([reached, this.#loops]);
  }

  /** Runs something while no session is inside a transaction. */
  async paused<T>(task: () => Promise<T>): Promise<T> {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
    try {
      if (this.#busy > 0) await Promise.race([new Promise<void>((resolve) => (this.#quiet = resolve)), this.#loops]);
      return await task();
    } finally {
      this.#open();
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#open();
    await this.#loops.finally(() => {
      for (const connection of this.#connections) connection.destroy();
    });
  }

  async #work(connection: Connection, who: Staff, seed: number): Promise<void> {
    const random = randomNumbers(seed);
    for (;;) {
      await this.#gate;
      if (this.#stopping) return;
      this.#busy += 1;
      try {
        await this.#transaction(connection, who, random);
      } finally {
        this.#busy -= 1;
        if (this.#busy === 0) this.#quiet?.();
      }
      this.#committed += 1;
      for (const { count, reached } of this.#waiting) if (this.#committed >= count) reached();
      await delay(REST_MS);
    }
  }

  #transaction(connection: Connection, who: Staff, random: (below: number) => number): Promise<void> {
    if (who === 'web') return this.#order(connection, random);
    if (who === 'warehouse') return random(4) === 0 ? this.#newProduct(connection) : this.#restock(connection, random);
    return random(2) === 0 ? this.#address(connection, random) : this.#ship(connection, random);
  }

  async #order(connection: Connection, random: (below: number) => number): Promise<void> {
    const model = this.#model;
    const product = String(1 + random(model.count('products')));
    const customer = String(1 + random(model.count('customers')));
    const quantity = 1 + random(3);
    const placed = new Date().toISOString().replace('T', ' ').replace('Z', '000');
    await connection.query('START TRANSACTION');
    await connection.query('UPDATE products SET stock = stock - ? WHERE id = ?', [quantity, product]);
    const [{ insertId }] = await connection.query<ResultSetHeader>("INSERT INTO orders (customer_id, placed, state) VALUES (?, ?, 'new')", [customer, placed]);
    await connection.query('INSERT INTO order_items (order_id, line, product_id, quantity) VALUES (?, 1, ?, ?)', [insertId, product, quantity]);
    await connection.query('COMMIT');
    this.#addStock(product, -quantity);
    model.put('orders', { id: String(insertId), customer_id: customer, placed, state: 'new' });
    model.put('order_items', { order_id: String(insertId), line: '1', product_id: product, quantity: String(quantity) });
  }

  async #restock(connection: Connection, random: (below: number) => number): Promise<void> {
    const product = String(1 + random(this.#model.count('products')));
    await connection.query('UPDATE products SET stock = stock + 50 WHERE id = ?', [product]);
    this.#addStock(product, 50);
  }

  async #newProduct(connection: Connection): Promise<void> {
    const row = newProduct(this.#model.count('products') + 1);
    await connection.query('INSERT INTO products SET ?', [row]);
    this.#model.put('products', row);
  }

  async #address(connection: Connection, random: (below: number) => number): Promise<void> {
    const id = String(1 + random(this.#model.count('customers')));
    const address = `${1 + random(9000)} Harbour Road`;
    await connection.query('UPDATE customers SET address = ? WHERE id = ?', [address, id]);
    this.#model.put('customers', { id, address });
  }

  async #ship(connection: Connection, random: (below: number) => number): Promise<void> {
    const orders = this.#model.count('orders');
    if (orders === 0) return;
    const id = String(1 + random(orders));
    if (!this.#model.has('orders', id)) return;
    await connection.query("UPDATE orders SET state = 'sent' WHERE id = ?", [id]);
    this.#model.put('orders', { id, state: 'sent' });
  }

  #addStock(product: string, quantity: number): void {
    const { stock } = this.#model.get('products', product);
    this.#model.put('products', { id: product, stock: String(Number(stock) + quantity) });
  }
}

/** The same numbers in every run: whole numbers from 0 to below `below`. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed * 0x9e3779b1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}
