// SEQUENCE THREADS NUMBERS: print THREADS x NUMBERS numbers, by the snippet of docs/CLIENTS.md beside this file.
import { numbers } from "./seqd.mjs";

const [sequence, threads, wanted] = process.argv.slice(2);
const take = numbers(sequence);
const some = async () => {
    for (let i = 0; i < Number(wanted); i++) {
        console.log(String(await take()));
    }
};
await Promise.all(Array.from({ length: Number(threads) }, some));
