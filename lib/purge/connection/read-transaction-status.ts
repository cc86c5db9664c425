/** What became of a transaction whose connection broke while it committed. @internal */
export function readTransactionStatus(transaction: string): string {
  return `select pg_xact_status('${transaction}'::xid8) as status`;
}
