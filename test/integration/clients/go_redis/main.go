// go-redis over RESP3 (its default) and RESP2: single commands, a pipeline, errors, many goroutines.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

var failed bool

func expect(what string, found, wanted interface{}) {
	if fmt.Sprint(found) != fmt.Sprint(wanted) {
		failed = true
		fmt.Printf("%s: found %v, expected %v\n", what, found, wanted)
	}
}

// A map of RESP3, or the flat array of RESP2.
func toMap(reply interface{}) map[string]interface{} {
	result := map[string]interface{}{}
	switch reply := reply.(type) {
	case map[interface{}]interface{}:
		for key, value := range reply {
			result[fmt.Sprint(key)] = value
		}
	case []interface{}:
		for i := 0; i+1 < len(reply); i += 2 {
			result[fmt.Sprint(reply[i])] = reply[i+1]
		}
	}
	return result
}

func run(protocol int, name string) {
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{
		Addr: "127.0.0.1:" + os.Getenv("TRIB_RESP_PORT"), Protocol: protocol, ClientName: name})
	defer client.Close()
	do := func(words ...interface{}) interface{} {
		reply, err := client.Do(ctx, words...).Result()
		if err != nil {
			return err
		}
		return reply
	}
	user, order := name+"-user", name+"-1"
	expect("ping", client.Ping(ctx).Val(), "PONG")
	expect("client name", client.ClientGetName(ctx).Val(), name)
	token := fmt.Sprint(do("LINK", "live", "c1", "g1", "EXT", "k", "v"))
	track := toMap(do("TRACK", token))
	expect("TRACK", track["outcome"], "ok")
	expect("creator", track["creator"], "c1")
	_, isInt := track["issued_at"].(int64)
	expect("issued_at is a number", isInt, true)
	expect("bad token", toMap(do("TRACK", "x"))["reason"], "malformed")
	expect("TOUCH", do("TOUCH", user, token), "recorded")
	answer := toMap(do("ATTRIBUTE", order, user, "g1", 1999, token))
	expect("outcome", answer["outcome"], "attributed")
	expect("charged", answer["charged"], 199)
	credits, _ := answer["credits"].([]interface{})
	expect("credits", len(credits), 1)
	if len(credits) == 1 {
		expect("lines", credits[0].([]interface{})[3], "[[commission creator merchant 199]]")
	}
	expect("repeat", toMap(do("ATTRIBUTE", order, user, "g1", 1999, token)), answer)
	conflict := fmt.Sprint(do("ATTRIBUTE", order, user, "g1", 2000, token))
	expect("conflict: "+conflict, strings.HasPrefix(conflict, "CONFLICT"), true)
	expect("unknown command", strings.Contains(fmt.Sprint(do("NOSUCH")), "unknown command"), true)
	pipe := client.Pipeline()
	var replies []*redis.Cmd
	for i := 0; i < 5000; i++ {
		replies = append(replies, pipe.Do(ctx, "ATTRIBUTE", fmt.Sprintf("%s-pipe-%d", name, i), user, "g1", 1000+i, "-", "BRIEF"))
	}
	pipe.Exec(ctx)
	for i, reply := range replies {
		expect(fmt.Sprintf("pipeline %d", i), reply.Val(), []interface{}{"attributed", (1000 + i) / 10})
	}
	var all sync.WaitGroup
	var lock sync.Mutex
	for i := 0; i < 200; i++ {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			reply := do("ATTRIBUTE", fmt.Sprintf("%s-go-%d", name, i), user, "g1", 1999, token, "BRIEF")
			lock.Lock()
			expect("concurrent", reply, "[attributed 199]")
			lock.Unlock()
		}(i)
	}
	all.Wait()
}

func main() {
	run(3, "go3")
	run(2, "go2")
	if failed {
		os.Exit(1)
	}
}
