/**
 * LIMIT as a number in the text. SQLite looks at the value of a bound LIMIT when it plans, and so plans the statement
 * anew each time that one is bound: that takes longer than most of our queries do.
 */
import { type LimitNode, SqliteDialect, SqliteQueryCompiler, ValueNode } from 'kysely';

class LiteralLimitCompiler extends SqliteQueryCompiler {
  protected override visitLimit({ limit }: LimitNode): void {
    if (!ValueNode.is(limit) || !Number.isSafeInteger(limit.value))
      throw new RangeError('a limit is a whole number');
    this.append(`limit ${limit.value}`);
  }
}

export class LiteralLimitDialect extends SqliteDialect {
  override createQueryCompiler(): SqliteQueryCompiler {
    return new LiteralLimitCompiler();
  }
}
