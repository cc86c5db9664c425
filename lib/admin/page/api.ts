import { signal } from '@preact/signals';
import type { ConflictView, RestrictionView } from '../api/admin-responses.js';
import { config } from './config.js';

const base = new URL('../api/', import.meta.url);
const STORED = `soft-delete-admin ${base.pathname}`;

/** The key that the page sends, where it has to. */
export const key = signal(config.credentials === 'cookie' ? '' : (sessionStorage.getItem(STORED) ?? ''));
export const needsKey = config.credentials !== 'cookie';

/** An answer of the server other than success. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly problem: {
      readonly message?: string;
      readonly detail?: string;
      readonly conflicts?: readonly ConflictView[];
      readonly restrictions?: readonly RestrictionView[];
    },
  ) {
    super(problem.detail ?? problem.message ?? String(status));
  }
}

export function keep(value: string): void {
  key.value = value;
  if (value) {
    sessionStorage.setItem(STORED, value);
  } else {
    sessionStorage.removeItem(STORED);
  }
}

export function read<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>(path, signal ? { signal } : {});
}

export function send<Answer>(path: string, body: object): Promise<Answer> {
  return ask<Answer>(path, { method: 'POST', body: JSON.stringify(body) });
}

export function release(hold: number, reason: string): Promise<unknown> {
  return ask(`holds/${hold}`, { method: 'DELETE', body: JSON.stringify({ reason }) });
}

/** The path of an entity's rows or of something that is done with them. */
export function of(entity: string, rest: string): string {
  return `entities/${encodeURIComponent(entity)}/${rest}`;
}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(new URL(path, base), {
    ...init,
    headers: { 'content-type': 'application/json', 'x-soft-delete-admin': '1', ...credentials() },
  });
  const text = await response.text();
  const answer = text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as unknown) : { message: text };
  if (!response.ok) {
    throw new Refusal(response.status, answer as Refusal['problem']);
  }
  return answer as Answer;
}

function credentials(): Record<string, string> {
  const { credentials } = config;
  if (credentials === 'cookie') {
    return {};
  }
  return credentials === 'bearer' ? { authorization: `Bearer ${key.value}` } : { [credentials.header]: key.value };
}
