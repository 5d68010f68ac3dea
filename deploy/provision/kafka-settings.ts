import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates } from './certificates.ts';

/** The second listener of a private broker: TLS with a password, and only for named accounts. */
export interface SecureListener {
  readonly brokers: string;
  /** PEM file of the authority behind the broker's certificate. */
  readonly ca: string;
  /** May do everything. */
  readonly user: string;
  /** May log in and nothing else. */
  readonly stranger: string;
  /** Of both. */
  readonly password: string;
}

export interface BrokerPorts {
  readonly plain: number;
  readonly controller: number;
  readonly secure: number;
}

/** Accounts by SCRAM are written when the data directory is formatted: arguments of StorageTool. */
export const scramArguments = ({ user, stranger, password }: SecureListener): string[] =>
  [user, stranger].flatMap((name) => ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`]));

/** Writes server.properties and the certificates into the folder. */
export async function writeBrokerSettings(folder: string, file: string, ports: BrokerPorts): Promise<SecureListener> {
  const { ca, cert, key } = await makeCertificates(folder, 'broker');
  const listener: SecureListener = { brokers: `127.0.0.1:${ports.secure}`, ca, user: 'undo', stranger: 'stranger', password: 'kafka-secret' };
  const keystore = join(folder, 'broker-keystore.pem');
  await writeFile(keystore, await readFile(key, 'utf8') + await readFile(cert, 'utf8'));
  const { plain, controller, secure } = ports;
  const module = 'org.apache.kafka.common.security';
  const secured = 'listener.name.secure';
  const settings = {
    'process.roles': 'broker,controller', 'node.id': 1, 'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER', 'log.dirs': join(folder, 'data'), 'num.partitions': 3, 'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1, 'transaction.state.log.min.isr': 1, 'auto.create.topics.enable': true,
    'offsets.topic.num.partitions': 1, 'transaction.state.log.num.partitions': 1, 'share.coordinator.state.topic.num.partitions': 1,
    [`${secured}.ssl.keystore.type`]: 'PEM', [`${secured}.ssl.keystore.location`]: keystore, 'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${secured}.plain.sasl.jaas.config`]: `${module}.plain.PlainLoginModule required user_${listener.user}="${listener.password}" user_${listener.stranger}="${listener.password}";`,
    [`${secured}.scram-sha-256.sasl.jaas.config`]: `${module}.scram.ScramLoginModule required;`,
    [`${secured}.scram-sha-512.sasl.jaas.config`]: `${module}.scram.ScramLoginModule required;`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users': `User:ANONYMOUS;User:${listener.user}`,
  };
  await writeFile(file, Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join(''));
  return listener;
}
