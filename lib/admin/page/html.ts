import htm from 'htm';
import { h, type VNode } from 'preact';

/** Markup as Preact renders it. @internal */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode;
