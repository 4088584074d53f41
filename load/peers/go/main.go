// A relay in the way of hubs over gorilla/websocket: one goroutine owns a room's connections and hands what is said to a
// channel for each of them; each connection has a goroutine that reads and one that writes.
package main

import (
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

// Messages that may wait for one reader; who is further behind is let go.
const waitingMax = 256

type reader struct {
	socket  *websocket.Conn
	waiting chan []byte
}

type room struct {
	enter, leave chan *reader
	said         chan []byte
}

func newRoom() *room {
	r := &room{enter: make(chan *reader), leave: make(chan *reader), said: make(chan []byte)}
	go r.run()
	return r
}

func (r *room) run() {
	readers := map[*reader]bool{}
	letGo := func(one *reader) {
		if readers[one] {
			delete(readers, one)
			close(one.waiting)
		}
	}
	for {
		select {
		case one := <-r.enter:
			readers[one] = true
			one.waiting <- []byte("joined")
		case one := <-r.leave:
			letGo(one)
		case message := <-r.said:
			for one := range readers {
				select {
				case one.waiting <- message:
				default:
					letGo(one)
				}
			}
		}
	}
}

func (r *room) read(one *reader) {
	defer func() {
		r.leave <- one
		one.socket.Close()
	}()
	for {
		_, message, err := one.socket.ReadMessage()
		if err != nil {
			return
		}
		r.said <- message
	}
}

func write(one *reader) {
	defer one.socket.Close()
	for message := range one.waiting {
		if one.socket.WriteMessage(websocket.TextMessage, message) != nil {
			return
		}
	}
}

func main() {
	upgrader := websocket.Upgrader{ReadBufferSize: 1024, WriteBufferSize: 1024}
	var lock sync.Mutex
	rooms := map[string]*room{}
	http.HandleFunc("/", func(w http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(w, request, nil)
		if err != nil {
			return
		}
		lock.Lock()
		r := rooms[request.URL.Path]
		if r == nil {
			r = newRoom()
			rooms[request.URL.Path] = r
		}
		lock.Unlock()
		one := &reader{socket: socket, waiting: make(chan []byte, waitingMax)}
		r.enter <- one
		go write(one)
		go r.read(one)
	})
	log.Fatal(http.ListenAndServe(os.Args[len(os.Args)-1], nil))
}
