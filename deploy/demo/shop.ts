import type { Connection } from 'mysql2/promise';
import { ShopModel } from './shop-model.ts';

/** The accounts that work in the shop: two kinds of machine, two people. */
export const STAFF = ['web', 'warehouse', 'support', 'anna'] as const;
export type Staff = (typeof STAFF)[number];
export const STAFF_PASSWORD = 'shop-demo';

const PRODUCTS = 400;
const CUSTOMERS = 150;

const SCHEMA = [
  'CREATE DATABASE shop CHARACTER SET utf8mb4',
  'CREATE TABLE shop.customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, address VARCHAR(200) NOT NULL)',
  'CREATE TABLE shop.products (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(120) NOT NULL, price DECIMAL(10,2) NOT NULL, description TEXT, stock INT NOT NULL)',
  `CREATE TABLE shop.orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, customer_id INT NOT NULL, placed DATETIME(6) NOT NULL,
     state ENUM('new', 'paid', 'sent') NOT NULL, FOREIGN KEY (customer_id) REFERENCES shop.customers (id))`,
  `CREATE TABLE shop.order_items (order_id BIGINT NOT NULL, line TINYINT NOT NULL, product_id INT NOT NULL, quantity INT NOT NULL,
     PRIMARY KEY (order_id, line), FOREIGN KEY (order_id) REFERENCES shop.orders (id), FOREIGN KEY (product_id) REFERENCES shop.products (id))`,
];

const KINDS = ['Espresso beans', 'Filter coffee', 'Oolong tea', 'Caf\u00e9 cr\u00e8me', 'M\u00fcsli', '\u7389\u9732', 'Bodum "Chambord"', "Barista's choice", 'Back\\slash mug', 'Teapot \u2615'];
const SIZES = ['250 g', '500 g', '1 kg', 'set of 2'];

/** Names with quotes, backslashes and several scripts: what comes back has to come back byte by byte. */
function product(id: number): Record<string, string | null> {
  const kind = KINDS[id % KINDS.length]!;
  const description = id % 7 === 0 ? null : `${kind}, no. ${id}.\nKeep dry; 'best before' is on the lid.`;
  return { id: String(id), name: `${kind}, ${SIZES[id % SIZES.length]!} (no. ${id})`, price: `${3 + (id * 37) % 90}.${String((id * 13) % 100).padStart(2, '0')}`, description, stock: '1000' };
}

export function newProduct(id: number): Record<string, string | null> {
  return { ...product(id), name: `${product(id).name ?? ''}, new` };
}

/** Makes the shop and its accounts. @returns the model of what is in it */
export async function openShop(root: Connection): Promise<ShopModel> {
  for (const statement of SCHEMA) await root.query(statement);
  for (const user of STAFF) {
    await root.query('CREATE USER ?@? IDENTIFIED BY ?', [user, '127.0.0.1', STAFF_PASSWORD]);
    await root.query('GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO ?@?', [user, '127.0.0.1']);
  }
  const model = new ShopModel();
  for (let id = 1; id <= CUSTOMERS; id++) model.put('customers', { id: String(id), name: `Customer ${id}`, address: `${id} Market Street` });
  for (let id = 1; id <= PRODUCTS; id++) model.put('products', product(id));
  const values = (table: 'customers' | 'products', count: number, columns: readonly string[]): (string | null)[][] =>
    Array.from({ length: count }, (_, i) => columns.map((column) => model.get(table, String(i + 1))[column] ?? null));
  await root.query('INSERT INTO shop.customers (id, name, address) VALUES ?', [values('customers', CUSTOMERS, ['id', 'name', 'address'])]);
  await root.query('INSERT INTO shop.products (id, name, price, description, stock) VALUES ?', [values('products', PRODUCTS, ['id', 'name', 'price', 'description', 'stock'])]);
  return model;
}
