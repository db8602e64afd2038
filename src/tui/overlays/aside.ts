/** The dashboard steps aside: what is to be copied, or to be read where it was printed, has the terminal until Enter. */
import type { App } from '../app/app.ts';

const OTHER_SCREEN = '\u001b[?1049h\u001b[2J\u001b[H';
const BACK = '\u001b[?1049l';

/** Within `host.lend`: until a line is typed, or the terminal is gone. */
export const untilEnter = async (): Promise<void> => {
  process.stdout.write('Enter returns to the dashboard. ');
  const { stdin } = process;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stdin.off('data', done).off('end', done).pause();
      resolve();
    };
    stdin.on('data', done).on('end', done).resume();
  });
};

/** Lines as they are, in no frame and broken by the terminal alone, so that a mouse takes them whole; not kept in its history. */
export const showPlainly = (app: App, text: string): Promise<void> =>
  app.host.lend(async () => {
    const [before, after] = app.host.reader ? ['', ''] : [OTHER_SCREEN, BACK];
    process.stdout.write(`${before}${text.trimEnd()}\n\n`);
    await untilEnter();
    process.stdout.write(after);
  });
