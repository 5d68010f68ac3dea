/** Kafka allows 249 characters; the last are kept for a suffix that tells shortened names apart. */
const MOST = 249;

/** Letters, digits, dot, underscore and dash stay; every other byte of UTF-8 becomes `_xHH_`, so that different names stay different. */
function sanitise(name: string): string {
  return [...Buffer.from(name, 'utf8')].map((byte) => {
    const character = String.fromCharCode(byte);
    // A dot would read as the border between database and table.
    return /[A-Za-z0-9_-]/.test(character) ? character : `_x${byte.toString(16).padStart(2, '0')}_`;
  }).join('');
}

/** The topic of a table. @throws RangeError when the names are too long for Kafka. */
export function tableTopic(prefix: string, schema: string, table: string): string {
  const topic = `${prefix}.${sanitise(schema)}.${sanitise(table)}`;
  if (topic.length > MOST) throw new RangeError(`The topic ${topic} would have ${topic.length} characters; Kafka allows ${MOST}. Choose a shorter prefix, or one topic for all.`);
  return topic;
}

/** Where the begin and the end of transactions go: no table's topic has one part only behind the prefix. */
export const transactionTopic = (prefix: string): string => `${prefix}.transaction`;
